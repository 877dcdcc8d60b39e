import type { Connection } from 'mysql2'
import { expect, test } from 'vitest'
import { mysqlDialect } from '../../adapters/sql/mysql-dialect.js'
import { postgresDialect } from '../../adapters/sql/postgres-dialect.js'
import { sqliteDialect } from '../../adapters/sql/sqlite-dialect.js'
import { isRollcallError } from '../../src/errors.js'
import { describeSql } from '../support/sql-stage.js'

describeSql(
  'a connection whose snapshot never ends',
  (stage) => {
    test.each([
      ['autocommit', 'set autocommit = 0'],
      ['completion_type', 'set completion_type = 1'],
    ])('is refused by name (%s) instead of showing a session after its revoke', async (name, sql) => {
      const { database, sessions, sessionsOver } = stage()
      const { accessToken } = await sessions.create({ userId: 'snapshot' })
      const pool = {
        min: 0,
        max: 1,
        afterCreate: (connection: Connection, done: () => void) => connection.query(sql, done),
      }
      const frozen = sessionsOver(database.knex({ pool }))
      for (const call of [() => frozen.verify(accessToken), () => frozen.revokeAll('snapshot')]) {
        const error: unknown = await call().catch((reason: unknown) => reason)
        expect(isRollcallError(error) && error.code).toBe('store_unavailable')
        expect(String((error as Error).cause)).toContain(name)
      }
      expect(await sessions.tokenVersion('snapshot')).toBe(0)
    })
  },
  ['mariadb', 'mysql'],
)

test('a standby and a read-only server are told by what they answer', () => {
  expect(postgresDialect.connectionState.check(['f'])).toBeNull()
  for (const row of [['t'], [null], []]) expect(postgresDialect.connectionState.check(row)).toContain('primary')
  for (const row of [
    [1, 0, 0, 0],
    ['1', Buffer.from('NO_CHAIN'), Buffer.from('OFF'), '0'],
  ]) {
    expect(mysqlDialect.connectionState.check(row)).toBeNull()
  }
  for (const row of [
    [1, 0, 1, 0],
    [1, 0, 0, 1],
    [1, 0, 'ON', 0],
    [1, 0, 'NO_LOCK', 0],
    [1, 0, null, null],
  ]) {
    expect(mysqlDialect.connectionState.check(row)).toContain('primary')
  }
  expect(mysqlDialect.connectionState.check([0, 0, 0, 0])).toContain('autocommit')
})

describeSql('a setting that lets a crash undo an acknowledged logout', (stage, engine) => {
  const settings = {
    postgres: ['set synchronous_commit = off', 'synchronous_commit'],
    mariadb: ['set global innodb_flush_log_at_trx_commit = 2', 'innodb_flush_log_at_trx_commit'],
    mysql: ['set global innodb_flush_log_at_trx_commit = 2', 'innodb_flush_log_at_trx_commit'],
    sqlite: ['pragma synchronous = normal', 'pragma synchronous'],
  } as const

  test('is named by status() once a connection was used', async () => {
    const { database, sessionsOver } = stage()
    const [sql, name] = settings[engine]
    const afterCreate = (connection: Connection & { exec(sql: string): void }, done: () => void): void => {
      if (engine !== 'sqlite') return void connection.query(sql, done)
      connection.exec(sql)
      done()
    }
    const sessions = sessionsOver(database.knex({ pool: { min: 0, max: 1, afterCreate } }))
    expect(sessions.status().weakened).toEqual([])
    await sessions.tokenVersion('anybody')
    const named = sessions.status().weakened.filter((text) => text.startsWith(name))
    expect(named).toEqual([expect.stringMatching(/crash of the (server|machine).* can undo a logout/)])
  })
})

test('the settings of the durable defaults are not named', () => {
  expect(postgresDialect.connectionState.weakened(['f', 'on', 'on'])).toEqual([])
  expect(postgresDialect.connectionState.weakened(['f', 'local', 'on'])).toEqual([])
  expect(postgresDialect.connectionState.weakened(['f', 'off', 'off'])).toHaveLength(2)
  expect(mysqlDialect.connectionState.weakened([1, 0, 0, 0, 1])).toEqual([])
  expect(mysqlDialect.connectionState.weakened([1, 0, 0, 0, '0'])).toEqual([expect.stringContaining('of the server')])
  for (const full of [2, 3, '2']) expect(sqliteDialect.connectionState.weakened([full])).toEqual([])
  expect(sqliteDialect.connectionState.weakened([0])).toHaveLength(1)
})
