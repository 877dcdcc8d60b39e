import { join } from 'node:path'
import type { Knex } from 'knex'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createDatabase, isLeftOut, sqlEngineNames, type TestDatabase } from '../support/databases.js'
import { createClient, type DemoClient } from './demo-client.js'
import { startDemo, type DemoProcess } from './demo-process.js'
import { makePlace, type Place } from './place.js'

for (const engine of sqlEngineNames) {
  const title = isLeftOut(engine)
    ? `refreshing at the demo on ${engine} (left out by ROLLCALL_TEST_WITHOUT)`
    : `refreshing at the demo on ${engine}`

  describe.skipIf(isLeftOut(engine))(title, () => {
    let database: TestDatabase
    let knex: Knex
    let place: Place
    let servers: [DemoProcess, DemoProcess]
    let here: DemoClient
    let there: DemoClient

    beforeAll(async () => {
      database = await createDatabase(engine)
      knex = database.knex()
      place = await makePlace(database.url)
      servers = await Promise.all([startDemo(place.environment), startDemo(place.environment)])
      ;[here, there] = [createClient(servers[0].url), createClient(servers[1].url)]
    })

    afterAll(async () => {
      await Promise.all(servers.map((server) => server.stop()))
      await database.drop()
      await place.remove()
    })

    /** As if every rotation had been so much earlier. */
    async function age(milliseconds: number): Promise<void> {
      await knex('rollcall_sessions').decrement('rotated_at', milliseconds)
    }

    test('forty callers at two processes get one successor', async () => {
      const phone = await here.logIn('phone')
      await age(60_000)
      const asks = Array.from({ length: 20 }, () => [here, there]).flat()
      const pairs = await Promise.all(asks.map((client) => client.refresh(phone.refreshToken)))
      expect(new Set(pairs.map(({ status }) => status))).toEqual(new Set([200]))
      expect(pairs.filter(({ outcome }) => outcome === 'rotated')).toHaveLength(1)
      const tokens = new Set(pairs.map(({ refreshToken }) => refreshToken))
      expect([tokens.size, tokens.has(phone.refreshToken)]).toEqual([1, false])
      const met = await Promise.all(pairs.map(({ accessToken }) => there.call('GET /api/me', accessToken)))
      expect(new Set(met)).toEqual(new Set(['200']))
    })

    test('what one process spends, the other calls spent', async () => {
      const phone = await here.logIn('phone')
      await age(60_000)
      const pair = await here.refresh(phone.refreshToken)
      expect(await there.tryRefresh(phone.refreshToken)).toBe('200 redelivered')
      // Shows that it arrived.
      expect(await there.tryRefresh(pair.refreshToken)).toBe('200 unchanged')
      await expect
        .poll(async () => (await knex('rollcall_sessions').whereNull('used_at')).length, { timeout: 10_000 })
        .toBe(0)
      await age(60_000)
      expect(await there.tryRefresh(phone.refreshToken)).toBe('401 refresh_token_reused')
      expect(await here.tryRefresh(pair.refreshToken)).toBe('401 session_ended')
      expect(servers[1].output()).toContain(
        `a spent refresh token of alice was shown again (successor_used): session ${phone.sid} has ended`,
      )
    })

    test('refresh tokens outlive a restart, and are kept for the secret that made them', async () => {
      const before = await startDemo(place.environment)
      const { refreshToken } = await createClient(before.url).logIn('phone')
      expect(await before.stop()).toBe(0)

      const REFRESH_SECRET_FILE = join(place.folder, 'another.txt')
      const other = await startDemo({ ...place.environment, REFRESH_SECRET_FILE })
      expect(await createClient(other.url).tryRefresh(refreshToken)).toBe('503 key_unavailable')
      expect(await other.stop()).toBe(0)

      const after = await startDemo(place.environment)
      await age(60_000)
      expect(await createClient(after.url).tryRefresh(refreshToken)).toBe('200 rotated')
      expect(await after.stop()).toBe(0)
    })
  })
}
