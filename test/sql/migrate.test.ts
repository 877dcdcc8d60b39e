import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import type { Knex } from 'knex'
import { expect, test } from 'vitest'
import { migrate, migrationSql, rollback, status } from '../../adapters/sql/migrate.js'
import { codeOf } from '../conformance/harness.js'
import { createDatabase, type TestDatabase } from '../support/databases.js'
import { describeSql } from '../support/sql-stage.js'

const rounds = 20
const processes = 5

/** Every column and index, as the engine describes them. */
async function describeTables(database: TestDatabase, knex: Knex): Promise<unknown> {
  if (database.engine === 'sqlite')
    return knex('sqlite_master').select('type', 'name', 'sql').whereLike('name', '%rollcall%').orderBy('name')
  if (database.engine === 'postgres') {
    const columns = await knex('information_schema.columns')
      .select('table_name', 'column_name', 'data_type', 'collation_name', 'is_nullable')
      .where({ table_schema: 'public' })
      .orderBy(['table_name', 'column_name'])
    return [
      columns,
      await knex('pg_indexes').select('indexname', 'indexdef').where({ schemaname: 'public' }).orderBy('indexname'),
    ]
  }
  const name = new URL(database.url).pathname.slice(1)
  const columns = await knex('information_schema.columns')
    .select('table_name', 'column_name', 'column_type', 'is_nullable', 'column_key')
    .where({ table_schema: name })
    .orderBy(['table_name', 'column_name'])
  const indexes = await knex('information_schema.statistics')
    .select('table_name', 'index_name', 'seq_in_index', 'column_name')
    .where({ table_schema: name })
    .orderBy(['table_name', 'index_name', 'seq_in_index'])
  return [columns, indexes]
}

describeSql('migrations', (stage, engine) => {
  test('are applied once, told by status, and taken back', async () => {
    const database = await createDatabase(engine)
    const knex = database.knex()
    expect(await status(knex)).toEqual([{ name: '0001_sessions', appliedAt: null }])
    expect(await rollback(knex)).toEqual([])
    expect(await migrate(knex)).toEqual(['0001_sessions'])
    const [applied] = await status(knex)
    expect(Math.abs(applied!.appliedAt!.getTime() - Date.now())).toBeLessThan(3_600_000)
    expect(await migrate(knex)).toEqual([])
    expect(await rollback(knex)).toEqual(['0001_sessions'])
    expect(await status(knex)).toEqual([{ name: '0001_sessions', appliedAt: null }])
    expect(await migrate(knex)).toEqual(['0001_sessions'])
    expect(await rollback(knex, { all: true })).toEqual(['0001_sessions'])
    await database.drop()
  })

  test('printed as SQL make the same tables, after which migrate finds nothing to do', async () => {
    const [printed, applied] = [await createDatabase(engine), await createDatabase(engine)]
    const dialect = engine === 'mariadb' ? 'mysql' : engine
    const runText = async (knex: Knex, sql: string): Promise<void> => {
      for (const statement of sql.split(/;\n/).filter((part) => part.trim() !== ''))
        await knex.raw(statement.replaceAll('?', '\\?'))
    }
    const knex = printed.knex()
    await runText(knex, migrationSql(dialect))
    expect(await migrate(knex)).toEqual([])
    const other = applied.knex()
    await migrate(other)
    expect(await describeTables(printed, knex)).toEqual(await describeTables(applied, other))
    await runText(knex, migrationSql(dialect, { direction: 'down' }))
    expect(await migrate(knex)).toEqual(['0001_sessions'])
    await printed.drop()
    await applied.drop()
  })

  test("live beside the app's own Knex migrations, before and after (knex#1961)", async () => {
    const database = await createDatabase(engine)
    const knex = database.knex()
    const appMigration = {
      up: (db: Knex) => db.schema.createTable('app', (table) => table.increments()),
      down: (db: Knex) => db.schema.dropTable('app'),
    }
    const migrationSource = {
      getMigrations: async () => ['app'],
      getMigrationName: () => 'app',
      getMigration: async () => appMigration,
    }
    await knex.migrate.latest({ migrationSource })
    await migrate(knex)
    expect(await knex.migrate.latest({ migrationSource })).toEqual([expect.any(Number), []])
    await knex.migrate.rollback({ migrationSource })
    await knex.migrate.latest({ migrationSource })
    expect(await migrate(knex)).toEqual([])
    expect((await status(knex))[0]!.appliedAt).not.toBeNull()
    await database.drop()
  })

  test('interrupted after some statements are completed by the next run', async () => {
    const database = await createDatabase(engine)
    const knex = database.knex()
    const statements = migrationSql(engine === 'mariadb' ? 'mysql' : engine).split(/;\n/)
    for (const statement of statements.slice(0, 3)) await knex.raw(statement)
    expect(await migrate(knex)).toEqual(['0001_sessions'])
    const sessions = stage().sessionsOver(knex)
    const { accessToken } = await sessions.create({ userId: 'a' })
    expect(await codeOf(sessions.verify(accessToken))).toBe('accepted')
    await database.drop()
  })

  test(`by ${processes} processes at once on an empty database all succeed, ${rounds} rounds (knex: 13 of 30 calls)`, async () => {
    const children = await Promise.all(Array.from({ length: processes }, startMigrator))
    const counts = { succeeded: 0, applied: 0 }
    for (let round = 0; round < rounds; round += 1) {
      const database = await createDatabase(engine)
      const answers = await Promise.all(children.map((child) => migrateIn(child, database.config)))
      expect(answers.map(({ fault }) => fault)).toEqual(answers.map(() => undefined))
      counts.succeeded += answers.filter(({ applied }) => applied !== undefined).length
      counts.applied += answers.filter(({ applied }) => applied?.length === 1).length
      await database.drop()
    }
    for (const child of children) child.kill()
    console.log(
      `${engine}: ${processes} processes x ${rounds} rounds: ${counts.succeeded} of ${processes * rounds} migrated`,
    )
    expect(counts).toEqual({ succeeded: processes * rounds, applied: rounds })
  }, 120_000)
})

async function startMigrator(): Promise<ChildProcess> {
  const child = fork(new URL('../fixtures/migrator.mjs', import.meta.url))
  await once(child, 'message')
  return child
}

async function migrateIn(child: ChildProcess, config: Knex.Config): Promise<{ applied?: string[]; fault?: string }> {
  const answer = once(child, 'message')
  child.send(config)
  return ((await answer) as [{ applied?: string[]; fault?: string }])[0]
}

test('what is no engine, direction or identifier is a TypeError', () => {
  expect(() => migrationSql('oracle' as 'mysql')).toThrow(TypeError)
  expect(() => migrationSql('__proto__' as 'mysql')).toThrow(TypeError)
  expect(() => migrationSql('mysql', { direction: 'sideways' as 'up' })).toThrow(TypeError)
  expect(() => migrationSql('mysql', { prefix: 'a`b' })).toThrow(TypeError)
  expect(() => migrationSql('postgres', { schema: 'a"b' })).toThrow(TypeError)
})

test('a value that is not Knex is a TypeError', async () => {
  for (const value of [null, undefined, {}, 'knex'])
    await expect(migrate(value as unknown as Knex)).rejects.toBeInstanceOf(TypeError)
})
