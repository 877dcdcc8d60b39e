import type { Knex } from 'knex'
import { expect, test } from 'vitest'
import { rollback } from '../../adapters/sql/migrate.js'
import { isRollcallError, type RollcallError } from '../../src/errors.js'
import { codeOf } from '../conformance/harness.js'
import { createDatabase } from '../support/databases.js'
import { describeSql, type SqlSessions } from '../support/sql-stage.js'
import { startProxy } from '../support/tcp-proxy.js'

const servers = ['postgres', 'mariadb', 'mysql'] as const

/** A pool that does not wait for the connections it began while nothing answered: that is the app's setting. */
const hastyPool = (max: number): Knex.PoolConfig => ({
  min: 0,
  max,
  createTimeoutMillis: 200,
  acquireTimeoutMillis: 200,
})

async function refusalOf(call: Promise<unknown>): Promise<RollcallError> {
  const error: unknown = await call.then(
    () => new Error('accepted'),
    (reason: unknown) => reason,
  )
  if (!isRollcallError(error)) throw error
  return error
}

function refusalsOfEveryVerb(sessions: SqlSessions, token: string): Promise<RollcallError[]> {
  const calls = [
    sessions.verify(token),
    sessions.create({ userId: 'a' }),
    sessions.list('a'),
    sessions.rename('a', 'sid', 'name'),
    sessions.revoke('a', 'sid'),
    sessions.revokeToken(token),
    sessions.revokeOthers('a', 'sid'),
    sessions.revokeAll('a'),
    sessions.tokenVersion('a'),
    sessions.suspend('a'),
    sessions.reinstate('a'),
    sessions.prune(),
  ]
  return Promise.all(calls.map(refusalOf))
}

describeSql('without its tables', (stage, engine) => {
  test('every verb fails with store_not_migrated, names migrate and keeps the cause', async () => {
    const { sessions, sessionsOver } = stage()
    const { accessToken } = await sessions.create({ userId: 'a' })
    const database = await createDatabase(engine)
    const bare = sessionsOver(database.knex())
    for (const refusal of await refusalsOfEveryVerb(bare, accessToken)) {
      expect(refusal).toMatchObject({ code: 'store_not_migrated', status: 503 })
      expect(refusal.message).toContain('migrate(knex)')
      expect(refusal.cause).toBeInstanceOf(Error)
    }
    await database.drop()
  })

  test('a table rolled back under a running server is store_not_migrated, not a logout', async () => {
    const database = await createDatabase(engine)
    const knex = database.knex()
    const { migrate } = await import('../../adapters/sql/migrate.js')
    await migrate(knex)
    const sessions = stage().sessionsOver(knex)
    const { accessToken } = await sessions.create({ userId: 'a' })
    await rollback(knex)
    expect(await codeOf(sessions.verify(accessToken))).toBe('store_not_migrated')
    await database.drop()
  })
})

describeSql(
  'when the server goes away',
  (stage) => {
    test('every verb fails with store_unavailable and the cause, none with a logout, and all is well when it is back (ASVS 16.5.2, 16.5.3)', async () => {
      const { database, sessionsOver } = stage()
      const proxy = await startProxy(database.url)
      const knex = database.knex({ connection: proxy.url })
      const sessions = sessionsOver(knex)
      const userId = 'cut'
      const { accessToken, session } = await sessions.create({ userId })
      for (let round = 0; round < 3; round += 1) {
        proxy.cut()
        for (const refusal of await refusalsOfEveryVerb(sessions, accessToken)) {
          expect(refusal).toMatchObject({ code: 'store_unavailable', status: 503 })
          expect(refusal.cause).toBeInstanceOf(Error)
        }
        proxy.heal()
        expect(await codeOf(sessions.verify(accessToken))).toBe('accepted')
      }
      expect(await sessions.revoke(userId, session.sid)).toEqual({ revoked: 1 })
      await knex.destroy()
      await proxy.close()
    })

    test('a silent server is store_unavailable within storeTimeout, and its connections are given up', async () => {
      const { database, sessionsOver } = stage()
      const proxy = await startProxy(database.url)
      const knex = database.knex({ connection: proxy.url, pool: hastyPool(2) })
      const sessions = sessionsOver(knex, { storeTimeout: '150ms' })
      // Connecting may take its time.
      const before = sessionsOver(knex)
      const { accessToken } = await before.create({ userId: 'silent' })
      await before.verify(accessToken)
      void proxy.swallow()
      const started = process.hrtime.bigint()
      const refusals = await refusalsOfEveryVerb(sessions, accessToken)
      const ms = Number(process.hrtime.bigint() - started) / 1e6
      expect(new Set(refusals.map(({ code }) => code))).toEqual(new Set(['store_unavailable']))
      // Generous, since machines are shared: without the bound this would be a minute.
      expect(ms).toBeLessThan(5_000)
      proxy.heal()
      // A pool of two whose connections had not been given up would have none left, ever.
      const later = stage().sessionsOver(knex, { storeTimeout: '1s' })
      await expect.poll(() => codeOf(later.verify(accessToken)), { timeout: 10_000 }).toBe('accepted')
      await knex.destroy()
      await proxy.close()
    })

    test('a server that goes silent under logouts alone leaves the pool whole', async () => {
      const { database, sessionsOver } = stage()
      const proxy = await startProxy(database.url)
      const knex = database.knex({ connection: proxy.url, pool: hastyPool(3) })
      const sessions = sessionsOver(knex, { storeTimeout: '150ms' })
      // Connecting may take its time.
      const before = sessionsOver(knex)
      await Promise.all(Array.from({ length: 3 }, () => before.revokeAll('silent logout')))
      void proxy.swallow()
      const codes = await Promise.all(Array.from({ length: 12 }, () => codeOf(sessions.revokeAll('silent logout'))))
      expect(new Set(codes)).toEqual(new Set(['store_unavailable']))
      proxy.heal()
      const later = stage().sessionsOver(knex, { storeTimeout: '1s' })
      await expect.poll(() => codeOf(later.revokeAll('silent logout')), { timeout: 10_000 }).toBe('accepted')
      await knex.destroy()
      await proxy.close()
    })

    test('a logout on a connection that died while idle goes through on another', async () => {
      const { database, sessionsOver, knex, engine } = stage()
      const own = database.knex({ pool: { min: 0, max: 1 } })
      const sessions = sessionsOver(own)
      for (let round = 1; round <= 10; round += 1) {
        expect((await sessions.revokeAll('idle')).tokenVersion).toBe(round)
        await killOthers(engine, knex, new URL(database.url).pathname.slice(1))
      }
    })

    test('calls that gave up in the queue cost no connection', async () => {
      const { database, sessionsOver } = stage()
      let connections = 0
      const afterCreate = (connection: object, done: (error: null, connection: object) => void): void => {
        connections += 1
        done(null, connection)
      }
      const knex = database.knex({ pool: { min: 0, max: 1, afterCreate } })
      const sessions = sessionsOver(knex, { storeTimeout: '50ms' })
      // Connecting may take its time.
      const { accessToken } = await sessionsOver(knex).create({ userId: 'queue' })
      const transaction = await knex.transaction()
      const codes = await Promise.all(Array.from({ length: 50 }, () => codeOf(sessions.verify(accessToken))))
      expect(new Set(codes)).toEqual(new Set(['store_unavailable']))
      await transaction.rollback()
      expect(await codeOf(stage().sessionsOver(knex).verify(accessToken))).toBe('accepted')
      expect(connections).toBe(1)
    })

    test('a pool that the app has used up is store_unavailable within storeTimeout, and nothing leaks', async () => {
      const { database, sessionsOver } = stage()
      const knex = database.knex({ pool: { min: 0, max: 1 } })
      const sessions = sessionsOver(knex, { storeTimeout: '100ms' })
      // Connecting may take its time.
      const { accessToken } = await sessionsOver(knex).create({ userId: 'pool' })
      const transaction = await knex.transaction()
      for (let round = 0; round < 5; round += 1)
        expect(await codeOf(sessions.verify(accessToken))).toBe('store_unavailable')
      expect(await codeOf(sessions.revokeAll('pool'))).toBe('store_unavailable')
      await transaction.rollback()
      expect(await codeOf(stage().sessionsOver(knex).verify(accessToken))).toBe('accepted')
      expect(await sessionsOver(knex).tokenVersion('pool')).toBe(0)
    })

    test('ten mass kills cost a 503 at most, never a 401', async () => {
      const { database, sessionsOver, knex, engine } = stage()
      const own = database.knex({ pool: { min: 0, max: 4 } })
      const sessions = sessionsOver(own)
      const { accessToken } = await sessions.create({ userId: 'killed' })
      const codes = new Map<string, number>()
      for (let round = 0; round < 10; round += 1) {
        const reads = Array.from({ length: 40 }, () => codeOf(sessions.verify(accessToken)))
        await killOthers(engine, knex, new URL(database.url).pathname.slice(1))
        for (const code of await Promise.all(reads)) codes.set(code, (codes.get(code) ?? 0) + 1)
      }
      console.log(`${engine}: 10 mass kills, 400 verifies: ${JSON.stringify(Object.fromEntries(codes))}`)
      expect([...codes.keys()].filter((code) => code !== 'accepted' && code !== 'store_unavailable')).toEqual([])
      expect(await codeOf(sessions.verify(accessToken))).toBe('accepted')
    })
  },
  servers,
)

async function killOthers(engine: string, knex: Knex, database: string): Promise<void> {
  if (engine === 'postgres') {
    await knex.raw(
      'select pg_terminate_backend(pid) from pg_stat_activity where datname = ? and pid <> pg_backend_pid()',
      [database],
    )
    return
  }
  const [rows] = (await knex.raw(
    'select id from information_schema.processlist where db = ? and id <> connection_id()',
    [database],
  )) as [{ id: number; ID: number }[]]
  for (const { id, ID } of rows) await knex.raw(`kill ${id ?? ID}`).catch(() => {})
}

test('a store of another make that fails in its own way is store_unavailable with that failure as cause', async () => {
  const { createSessions, createKeyRing } = await import('../../src/index.js')
  const { memoryStore } = await import('../../src/memory-store.js')
  const failure = new Error('disk on fire')
  const store = { ...memoryStore(), lookup: () => Promise.reject(failure), readUser: () => Promise.reject(failure) }
  const sessions = createSessions({
    store,
    keys: await createKeyRing({ secret: 'x'.repeat(32) }),
    issuer: 'i',
    audience: 'a',
  })
  const { accessToken } = await sessions.create({ userId: 'a' })
  expect(await refusalOf(sessions.verify(accessToken))).toMatchObject({ code: 'store_unavailable', cause: failure })
  expect(await refusalOf(sessions.tokenVersion('a'))).toMatchObject({ code: 'store_unavailable', cause: failure })
})
