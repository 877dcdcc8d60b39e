import type { Database } from 'better-sqlite3'
import knexFactory from 'knex'
import { expect, test } from 'vitest'
import { migrate, status } from '../../adapters/sql/migrate.js'
import { createConnections } from '../../adapters/sql/connections.js'
import { sqliteDialect } from '../../adapters/sql/sqlite-dialect.js'
import { tableNames } from '../../adapters/sql/tables.js'
import { codeOf } from '../conformance/harness.js'
import { describeSql } from '../support/sql-stage.js'

test('a call that nobody waits for any longer costs no in-memory database', async () => {
  const knex = knexFactory({ client: 'better-sqlite3', connection: { filename: ':memory:' }, useNullAsDefault: true })
  await migrate(knex)
  const { use } = createConnections(knex, sqliteDialect, null)
  const controller = new AbortController()
  await use({ signal: controller.signal }, async (run) => {
    controller.abort()
    await run(sqliteDialect.compile('select 1'))
  })
  expect((await status(knex))[0]?.appliedAt).not.toBeNull()
  await knex.destroy()
})

describeSql(
  'the begin of a transaction of our own',
  (stage) => {
    test('takes the write lock at once, so that no read of it can turn stale (SQLITE_BUSY_SNAPSHOT, Effect#7162)', async () => {
      const { database, knex } = stage()
      const tables = tableNames('test', undefined, (name) => sqliteDialect.quote(name))
      const writeLock = sqliteDialect.compile(sqliteDialect.takeWriteLock(tables)!)
      const { transact } = createConnections(knex, sqliteDialect, writeLock)
      const other = knexFactory(database.config)
      await other.raw('pragma busy_timeout = 0')
      await transact({}, async () => {
        await expect(other.raw('begin immediate')).rejects.toThrow('database is locked')
      })
      await other.raw('begin immediate')
      await other.raw('rollback')
      await other.destroy()
    })

    test('whose commit meets a long reader is rolled back, and leaves the connection to others as it was', async () => {
      const { database, sessionsOver } = stage()
      const knex = database.knex()
      await knex.raw('pragma journal_mode = delete')
      await knex.raw('pragma busy_timeout = 10')
      const sessions = sessionsOver(knex, { storeTimeout: '30s' })
      const { accessToken } = await sessions.create({ userId: 'reader' })
      const reader = knexFactory(database.config)
      await reader.raw('begin')
      await reader.raw('select count(*) from rollcall_sessions')
      expect(await codeOf(sessions.revokeAll('reader'))).toBe('store_unavailable')
      expect(await codeOf(sessions.verify(accessToken))).toBe('accepted')
      await reader.raw('rollback')
      await reader.destroy()
      expect(await sessions.revokeAll('reader')).toEqual({ revoked: 1, tokenVersion: 1 })
      await knex.raw('begin')
      await knex.raw('rollback')
    })

    test('that fails lets no statement run, which would commit by itself', async () => {
      const { database, sessionsOver } = stage()
      const pool = {
        min: 0,
        max: 1,
        // Knex's begin fails on it: a transaction is open already.
        afterCreate: (connection: Database, done: (error: null, connection: Database) => void) => {
          connection.exec('begin')
          done(null, connection)
        },
      }
      const knex = database.knex({ pool })
      const sessions = sessionsOver(knex)
      expect(await codeOf(sessions.revokeAll('begin'))).toBe('store_unavailable')
      expect(await sessions.tokenVersion('begin')).toBe(0)
    })
  },
  ['sqlite'],
)
