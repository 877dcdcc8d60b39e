import type { Database, EngineName } from '../databases.js'

const tables = ['rollcall_users', 'rollcall_sessions', 'rollcall_events'] as const
const changes = ['insert', 'update', 'delete'] as const

/** Rows by table and change, such as `rollcall_users update`. */
export type WrittenRows = Readonly<Record<string, number>>

/** Counts the rows that the work writes, by triggers for each row, which the engine itself calls. */
export async function countWrittenRows(database: Database, work: () => Promise<void>): Promise<WrittenRows> {
  const { knex, engine } = database
  await knex.raw('create table bench_writes (what varchar(60) not null)')
  if (engine === 'postgres') await knex.raw(triggerFunction)
  for (const table of tables) for (const change of changes) await knex.raw(await trigger(database, table, change))
  try {
    await work()
    const rows = await knex<{ what: string }>('bench_writes').select('what')
    const names = rows.map(({ what }) => what)
    return Object.fromEntries([...new Set(names)].map((name) => [name, names.filter((other) => other === name).length]))
  } finally {
    const on = (table: string): string => (engine === 'postgres' ? ` on ${table}` : '')
    for (const table of tables)
      for (const change of changes) await knex.raw(`drop trigger ${nameOf(table, change)}${on(table)}`)
    await knex.raw('drop table bench_writes')
    if (engine === 'postgres') await knex.raw('drop function bench_note()')
  }
}

const triggerFunction = `create function bench_note() returns trigger language plpgsql as $$
  begin insert into bench_writes values (tg_table_name || ' ' || lower(tg_op)); return null; end $$`

const nameOf = (table: string, change: string): string => `bench_${table}_${change}`

async function trigger({ knex, engine }: Database, table: string, change: (typeof changes)[number]): Promise<string> {
  const head = `create trigger ${nameOf(table, change)} after ${change} on ${table} for each row`
  const note: Readonly<Record<EngineName, (condition: string) => string>> = {
    postgres: () => 'execute function bench_note()',
    sqlite: () => `begin insert into bench_writes values ('${table} ${change}'); end`,
    mysql: (condition) => `insert into bench_writes select '${table} ${change}' from dual where ${condition}`,
    mariadb: (condition) => `insert into bench_writes select '${table} ${change}' from dual where ${condition}`,
  }
  // `insert ... on duplicate key update` calls the trigger of a row that it leaves as it is.
  const columns = change === 'update' ? Object.keys(await knex(table).columnInfo()) : []
  const isSame = columns.map((column) => `old.${column} <=> new.${column}`).join(' and ')
  return `${head} ${note[engine](isSame === '' ? '1 = 1' : `not (${isSame})`)}`
}
