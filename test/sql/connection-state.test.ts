import type { Connection } from 'mysql2'
import { expect, test } from 'vitest'
import { mysqlDialect } from '../../adapters/sql/mysql-dialect.js'
import { postgresDialect } from '../../adapters/sql/postgres-dialect.js'
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
  expect(postgresDialect.connectionState?.check(['f'])).toBeNull()
  for (const row of [['t'], [null], []]) expect(postgresDialect.connectionState?.check(row)).toContain('primary')
  for (const row of [
    [1, 0, 0, 0],
    ['1', Buffer.from('NO_CHAIN'), Buffer.from('OFF'), '0'],
  ]) {
    expect(mysqlDialect.connectionState?.check(row)).toBeNull()
  }
  for (const row of [
    [1, 0, 1, 0],
    [1, 0, 0, 1],
    [1, 0, 'ON', 0],
    [1, 0, 'NO_LOCK', 0],
    [1, 0, null, null],
  ]) {
    expect(mysqlDialect.connectionState?.check(row)).toContain('primary')
  }
  expect(mysqlDialect.connectionState?.check([0, 0, 0, 0])).toContain('autocommit')
})
