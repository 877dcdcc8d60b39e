import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createDatabase, isLeftOut, type TestDatabase } from '../support/databases.js'
import { createClient, type DemoClient, type Device } from './demo-client.js'
import { startDemo, type DemoProcess } from './demo-process.js'
import { makePlace, type Place } from './place.js'
import { startProxy, type TcpProxy } from '../support/tcp-proxy.js'

const unavailable = '503 store_unavailable'
/** `storeTimeout` of the demo is 2 seconds; the rest is for the machine. */
const bound = 3_500

for (const engine of ['postgres', 'mariadb', 'mysql'] as const) {
  const title = isLeftOut(engine)
    ? `the demo when ${engine} fails (left out by ROLLCALL_TEST_WITHOUT)`
    : `the demo when ${engine} fails`

  describe.skipIf(isLeftOut(engine))(title, () => {
    let database: TestDatabase
    let proxy: TcpProxy
    let place: Place
    let demo: DemoProcess
    let client: DemoClient
    let phone: Device

    beforeEach(async () => {
      database = await createDatabase(engine)
      proxy = await startProxy(database.url)
      place = await makePlace(proxy.url)
      demo = await startDemo(place.environment)
      client = createClient(demo.url)
      phone = await client.logIn('phone')
    })

    afterEach(async () => {
      await demo.stop('SIGKILL')
      await proxy.close()
      await database.drop()
      await place.remove()
    })

    test.each(['cut', 'swallow'] as const)('answers 503 in time and never 401 (%s), and recovers', async (fault) => {
      const logOut = (): Promise<string> => client.call('POST /auth/logout', phone.accessToken)
      const listDevices = (): Promise<string> => client.call('GET /auth/sessions', phone.accessToken)
      // Fills the pool, so that every connection of it fails.
      expect(await twelveOf(listDevices, listDevices, listDevices)).toEqual(['200'])
      void proxy[fault]()
      // Writes first: a transaction that can't begin must give its connection back.
      expect(await twelveOf(logOut)).toEqual([unavailable])
      const reads = ['GET /healthz', 'GET /api/me', 'GET /auth/sessions', 'POST /auth/logout-others']
      const asks = reads.map((route) => () => client.call(route, phone.accessToken))
      const refresh = (): Promise<string> => client.tryRefresh(phone.refreshToken)
      expect(await twelveOf(...asks, refresh, () => client.tryLogIn())).toEqual([unavailable])
      proxy.heal()
      const soon = { timeout: 10_000 }
      await expect.poll(() => client.call('GET /healthz'), soon).toBe('200')
      await expect.poll(() => client.call('GET /api/me', phone.accessToken), soon).toBe('200')
      await expect.poll(refresh, soon).toBe('200 unchanged')
      await expect.poll(() => client.tryLogIn(), soon).toBe('200')
      await expect.poll(() => client.call('POST /auth/logout-everywhere', phone.accessToken), soon).toBe('200')
      expect(await client.call('GET /api/me', phone.accessToken)).toBe('401 session_ended')
      expect(await demo.stop()).toBe(0)
    })

    test('ends with 0 within seconds when it is stopped in the middle of it', async () => {
      const swallowed = proxy.swallow()
      const answer = client.call('POST /auth/logout', phone.accessToken)
      await swallowed
      const start = performance.now()
      const code = await demo.stop()
      expect(performance.now() - start).toBeLessThan(9_000)
      expect(code).toBe(0)
      expect(await answer).toBe(unavailable)
    })
  })
}

/** More than the pool has connections. Answers what they were answered, without repeats, when each came in time. */
async function twelveOf(...asks: (() => Promise<string>)[]): Promise<string[]> {
  const answers = asks.flatMap((ask) => Array.from({ length: 12 }, ask))
  const start = performance.now()
  const timed = answers.map(async (answer) => {
    const text = await answer
    expect(performance.now() - start).toBeLessThan(bound)
    return text
  })
  return [...new Set(await Promise.all(timed))]
}

test('the demo answers 503 in time while another process keeps its SQLite file locked, reads on, and recovers', async () => {
  const database = await createDatabase('sqlite')
  const place = await makePlace(database.url)
  const demo = await startDemo(place.environment)
  const client = createClient(demo.url)
  const phone = await client.logIn('phone')
  const knex = database.knex()
  await knex.raw('begin immediate')
  expect(await timeOf(() => client.tryLogIn())).toEqual([unavailable, true])
  expect(await timeOf(() => client.call('POST /auth/logout', phone.accessToken))).toEqual([unavailable, true])
  expect(await client.call('GET /api/me', phone.accessToken)).toBe('200')
  await knex.raw('rollback')
  expect(await client.tryLogIn()).toBe('200')
  expect(await client.call('POST /auth/logout', phone.accessToken)).toBe('204')
  expect(await demo.stop()).toBe(0)
  await database.drop()
  await place.remove()
})

/** What was answered, and whether within the bound. */
async function timeOf(ask: () => Promise<string>): Promise<[string, boolean]> {
  const start = performance.now()
  return [await ask(), performance.now() - start < bound]
}
