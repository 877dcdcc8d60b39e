import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import type { Knex } from 'knex'
import { expect, test } from 'vitest'
import { migrate, migrationSql, rollback, status } from '../../adapters/sql/migrate.js'
import { tableNames } from '../../adapters/sql/tables.js'
import { migrations } from '../../migrations/index.js'
import { codeOf } from '../conformance/harness.js'
import { createDatabase, storeFor, type TestDatabase } from '../support/databases.js'
import { describeSql } from '../support/sql-stage.js'

const rounds = 20
const names = migrations.map(({ name }) => name)
const unapplied = names.map((name) => ({ name, appliedAt: null }))
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

const appliedNow = (name: string): unknown => ({ name, appliedAt: expect.any(Date) as Date })

/** As the default options name them. */
const tables = tableNames('test', undefined, (name) => name)

describeSql('migrations', (stage, engine) => {
  test('are applied once, told by status, and taken back', async () => {
    const database = await createDatabase(engine)
    const knex = database.knex()
    expect(await status(knex)).toEqual(unapplied)
    expect(await rollback(knex)).toEqual([])
    expect(await migrate(knex)).toEqual(names)
    for (const { appliedAt } of await status(knex))
      expect(Math.abs(appliedAt!.getTime() - Date.now())).toBeLessThan(3_600_000)
    expect(await migrate(knex)).toEqual([])
    expect(await rollback(knex)).toEqual(names.slice(-1))
    expect(await status(knex)).toEqual([...names.slice(0, -1).map((name) => appliedNow(name)), ...unapplied.slice(-1)])
    expect(await migrate(knex)).toEqual(names.slice(-1))
    expect(await rollback(knex, { all: true })).toEqual(names.toReversed())
    expect(await status(knex)).toEqual(unapplied)
    expect(await migrate(knex)).toEqual(names)
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
    expect(await migrate(knex)).toEqual(names)
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

  // Every statement of a run can be the last before a crash; where DDL is not undone, the next run goes on from it.
  test('interrupted after any of their statements are completed by the next run', async () => {
    const statements = migrationSql(engine === 'mariadb' ? 'mysql' : engine)
      .trim()
      .split(/;\n/)
    const isUndone = engine === 'postgres' || engine === 'sqlite'
    const crashes = isUndone ? [3] : statements.map((_, index) => index + 1)
    for (const count of crashes) {
      const database = await createDatabase(engine)
      const knex = database.knex()
      for (const statement of statements.slice(0, count)) await knex.raw(statement)
      const done = statements.slice(0, count).join()
      expect(await migrate(knex)).toEqual(names.filter((name) => !done.includes(`'${name}'`)))
      const sessions = stage().sessionsOver(knex)
      const { accessToken } = await sessions.create({ userId: 'a' })
      expect(await codeOf(sessions.verify(accessToken))).toBe('accepted')
      await sessions.close()
      await database.drop()
    }
  })

  test('printed from the step that is there lead on from it, up and down', async () => {
    const database = await createDatabase(engine)
    const knex = database.knex()
    const dialect = engine === 'mariadb' ? 'mysql' : engine
    const later = (direction: 'up' | 'down'): string[] =>
      migrationSql(dialect, { from: '0001_sessions', direction }).trim().split(/;\n*/).filter(Boolean)
    await migrate(knex)
    for (const statement of later('down')) await knex.raw(statement)
    expect((await status(knex)).filter(({ appliedAt }) => appliedAt === null)).toEqual(unapplied.slice(1))
    for (const statement of later('up')) await knex.raw(statement)
    expect(await migrate(knex)).toEqual([])
    expect(() => migrationSql(dialect, { from: '0000_nothing' })).toThrow(TypeError)
    await database.drop()
  })

  test('of a newer version are not taken back by this one, which does not know what they made', async () => {
    const database = await createDatabase(engine)
    const knex = database.knex()
    await migrate(knex)
    await knex('rollcall_migrations').insert({ name: '9999_later', applied_at: 1 })
    await expect(rollback(knex)).rejects.toThrow('9999_later')
    expect(await migrate(knex)).toEqual([])
    await database.drop()
  })

  test('are all applied again from the first that is missing, as after an older version took its own back', async () => {
    const database = await createDatabase(engine)
    const knex = database.knex()
    await migrate(knex)
    for (const table of ['events', 'sessions', 'users']) await knex.schema.dropTable(`rollcall_${table}`)
    await knex('rollcall_migrations').where({ name: '0001_sessions' }).delete()
    expect(await migrate(knex)).toEqual(names)
    const sessions = stage().sessionsOver(knex)
    expect(await codeOf(sessions.create({ userId: 'a' }))).toBe('accepted')
    await sessions.close()
    await database.drop()
  })

  test('taken back are completed, too, after an interruption', async () => {
    const database = await createDatabase(engine)
    const knex = database.knex()
    await migrate(knex)
    const [last] = migrations.slice(-1)
    const dialect = engine === 'mariadb' ? 'mysql' : engine
    if (dialect === 'mysql') for (const sql of last!.down(dialect, tables)) await knex.raw(sql)
    expect(await rollback(knex)).toEqual(names.slice(-1))
    expect(await migrate(knex)).toEqual(names.slice(-1))
    await database.drop()
  })

  test('0002_refresh_tokens keeps the sessions of 0001, and a program of its time runs on beside it', async () => {
    const database = await createDatabase(engine)
    const knex = database.knex()
    await migrate(knex)
    expect(await rollback(knex)).toEqual(['0002_refresh_tokens'])
    const insertOld = async (sid: string): Promise<void> => {
      const [at, later] = [Date.now(), Date.now() + 3_600_000]
      const times = {
        created_at: at,
        authenticated_at: at,
        last_seen_at: at,
        idle_expires_at: later,
        expires_at: later,
      }
      const row = { user_id: 'alice', sid, token_version: 0, jti: `${sid}-jti`, audience: '["https://api.example"]' }
      await knex('rollcall_sessions').insert({ ...row, ...times, idle_lifetime: 3_600_000, device_kind: 'unknown' })
    }
    await knex('rollcall_users').insert({ user_id: 'alice', token_version: 0 })
    await insertOld('before')
    const single = stage().sessionsOver(knex)
    expect(await codeOf(single.create({ userId: 'alice' }))).toBe('store_not_migrated')
    expect(await migrate(knex)).toEqual(['0002_refresh_tokens'])
    await insertOld('after')
    const refreshing = stage().sessionsOver(knex, { refreshToken: { secret: 'r'.repeat(32) } })
    const { refreshToken } = await refreshing.create({ userId: 'alice' })
    expect((await refreshing.refresh(refreshToken!)).outcome).toBe('unchanged')
    expect((await refreshing.list('alice')).map(({ sid }) => sid)).toEqual(expect.arrayContaining(['before', 'after']))
    expect(await refreshing.revoke('alice', 'before')).toEqual({ revoked: 1 })
    const keys = [{ userId: 'alice', sid: 'after' }]
    expect((await storeFor(engine, knex).lookup(keys, {}))[0]!.rotation).toBeNull()
    await refreshing.close()
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
      counts.applied += answers.filter(({ applied }) => applied?.length === names.length).length
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
