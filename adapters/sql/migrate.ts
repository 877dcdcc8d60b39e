import type { Knex } from 'knex'
import { migrations, type Engine, type TableNames } from '../../migrations/index.js'
import { createConnections } from './connections.js'
import type { Dialect, Run } from './dialect.js'
import { createPool, type KnexClient } from './pool.js'
import { mysqlDialect } from './mysql-dialect.js'
import { postgresDialect } from './postgres-dialect.js'
import { integer, text } from './rows.js'
import { sqliteDialect } from './sqlite-dialect.js'
import { checkKnex, driverOf } from './store.js'
import { tableNames, type TableOptions } from './tables.js'

const dialects: Readonly<Record<Engine, Dialect>> = {
  postgres: postgresDialect,
  mysql: mysqlDialect,
  sqlite: sqliteDialect,
}

export type { Engine, TableOptions }

export interface MigrationStatus {
  readonly name: string
  /** When it was applied, by the database's clock; `null` when it is still to come. */
  readonly appliedAt: Date | null
}

/**
 * Brings the tables up to date. Does nothing when they are, and is safe when many processes start at once: one
 * migrates, the others wait. Needs the right to create tables. On Postgres and SQLite all steps or none are applied;
 * on MySQL, whose DDL commits by itself, an interrupted run is completed by the next.
 * @returns the names of the steps this call applied
 * @throws RollcallError `store_not_migrated` when the schema does not exist; the driver's own errors
 */
export async function migrate(knex: Knex, options?: TableOptions): Promise<string[]> {
  return alone(knex, options, async ({ run, dialect, tables, applied }) => {
    // All from the first that is missing: whoever took that one back alone took the tables of the later ones with it.
    const first = migrations.findIndex(({ name }) => !applied.has(name))
    const pending = first === -1 ? [] : migrations.slice(first)
    for (const migration of pending) {
      await runAll(run, dialect, migration.up(dialect.engine, tables))
      await run(dialect.compile(`delete from ${tables.migrations} where name = ?`), [migration.name])
      await run(dialect.compile(insertRecord(dialect, tables, migration.name)))
    }
    return pending.map(({ name }) => name)
  })
}

/**
 * Takes back the last applied step, or all of them. The tables of a step that is taken back are dropped with their rows.
 * @returns the names of the steps this call took back
 */
export async function rollback(
  knex: Knex,
  options?: TableOptions & { readonly all?: boolean | undefined },
): Promise<string[]> {
  const { all = false, ...names } = options ?? {}
  return alone(knex, names, async ({ run, dialect, tables, applied }) => {
    const unknown = [...applied.keys()].filter((name) => !migrations.some((migration) => migration.name === name))
    if (unknown.length > 0)
      throw new Error(`a newer version of rollcall made ${unknown.join(', ')}: take it back with that one`)
    const known = migrations.filter(({ name }) => applied.has(name)).toReversed()
    const undone = all ? known : known.slice(0, 1)
    for (const migration of undone) {
      await runAll(run, dialect, migration.down(dialect.engine, tables))
      await run(dialect.compile(`delete from ${tables.migrations} where name = ?`), [migration.name])
    }
    return undone.map(({ name }) => name)
  })
}

/** Tells which steps are applied. Changes nothing. */
export async function status(knex: Knex, options?: TableOptions): Promise<MigrationStatus[]> {
  const { dialect, tables } = prepare(knex, options)
  const records = await createConnections(knex, dialect, null).use({}, (run) =>
    readRecords(run, dialect, tables).catch((error: unknown) => {
      if (dialect.classify(error) !== 'store_not_migrated') throw error
      return new Map<string, number>()
    }),
  )
  return migrations.map(({ name }) => {
    const at = records.get(name)
    return { name, appliedAt: at === undefined ? null : new Date(at) }
  })
}

/**
 * The same as text, for people who apply SQL with other tools; `migrate` then finds nothing to do.
 * @param options.direction Default `'up'`.
 * @param options.from The last step that is applied, such as `'0001_sessions'`: only what came after it is printed.
 * Default: none is.
 */
export function migrationSql(
  engine: Engine,
  options?: TableOptions & { readonly direction?: 'up' | 'down' | undefined; readonly from?: string | undefined },
): string {
  const { direction = 'up', from, ...names } = options ?? {}
  const dialect = Object.hasOwn(dialects, engine) ? dialects[engine] : undefined
  if (dialect === undefined) throw new TypeError(`engine must be one of ${Object.keys(dialects).join(', ')}`)
  if (direction !== 'up' && direction !== 'down') throw new TypeError("direction must be 'up' or 'down'")
  const tables = tableNames('migrationSql', names, (name) => dialect.quote(name))
  const done = from === undefined ? 0 : migrations.findIndex(({ name }) => name === from) + 1
  if (from !== undefined && done === 0)
    throw new TypeError(`from must be one of ${migrations.map(({ name }) => name).join(', ')}`)
  const later = migrations.slice(done)
  const up = [
    ...(done === 0 ? [createRecords(dialect, tables)] : []),
    ...later.flatMap((migration) => [...migration.up(engine, tables), insertRecord(dialect, tables, migration.name)]),
  ]
  const down = [
    ...later
      .toReversed()
      .flatMap((migration) => [
        ...migration.down(engine, tables),
        ...(done === 0 ? [] : [`delete from ${tables.migrations} where name = '${migration.name}'`]),
      ]),
    ...(done === 0 ? [`drop table if exists ${tables.migrations}`] : []),
  ]
  return (direction === 'up' ? up : down).map((sql) => `${sql};\n`).join('\n')
}

function prepare(knex: Knex, options: TableOptions | undefined): { dialect: Dialect; tables: TableNames } {
  const dialect =
    Object.values(dialects).find((candidate) => typeof knex === 'function' && candidate.driver === driverOf(knex)) ??
    postgresDialect
  checkKnex('migrate', knex, dialect)
  return { dialect, tables: tableNames('migrate', options, (name) => dialect.quote(name)) }
}

/** What one process at a time works with. */
interface Turn {
  readonly run: Run
  readonly dialect: Dialect
  readonly tables: TableNames
  /** The names of the applied steps. */
  readonly applied: ReadonlyMap<string, number>
}

async function alone(
  knex: Knex,
  options: TableOptions | undefined,
  work: (turn: Turn) => Promise<string[]>,
): Promise<string[]> {
  const { dialect, tables } = prepare(knex, options)
  const { use: usePool } = createPool(knex.client as KnexClient, dialect)
  // Never repeated: after a commit whose answer was lost, a rollback would take back one step more.
  return usePool(
    undefined,
    () => false,
    async (run) => {
      let answer: string[] = []
      await dialect.migrateAlone(run, tables, async () => {
        await run(dialect.compile(createRecords(dialect, tables)))
        answer = await work({ run, dialect, tables, applied: await readRecords(run, dialect, tables) })
      })
      return answer
    },
  )
}

async function runAll(run: Run, dialect: Dialect, statements: readonly string[]): Promise<void> {
  for (const sql of statements) {
    await run(dialect.compile(sql)).catch((error: unknown) => {
      if (!dialect.isDoneAlready(error)) throw error
    })
  }
}

/** A table of our own: the app's `knex migrate:latest` neither sees these steps nor misses them. */
function createRecords(dialect: Dialect, tables: TableNames): string {
  const name = { postgres: 'text collate "C"', mysql: 'varbinary(255)', sqlite: 'text' }[dialect.engine]
  return `create table if not exists ${tables.migrations} (name ${name} not null primary key, applied_at bigint not null)`
}

function insertRecord(dialect: Dialect, tables: TableNames, name: string): string {
  return `insert into ${tables.migrations} (name, applied_at) values ('${name}', ${dialect.nowMilliseconds})`
}

async function readRecords(run: Run, dialect: Dialect, tables: TableNames): Promise<Map<string, number>> {
  const { rows } = await run(dialect.compile(`select name, applied_at from ${tables.migrations}`))
  return new Map(rows.map(([name, at]) => [text(name), integer(at)]))
}
