import { describe, expect, test } from 'vitest'
import type { BackgroundError } from '../../src/notifier.js'
import type { TokenPair } from '../../src/token-pair.js'
import { codeOf, stageFor, type StoreHarness } from './harness.js'

const hour = 3_600_000
const day = 24 * hour

/** Absolute and idle lifetimes, and the throttled write that moves the idle one. */
export function describeLifetimes<Transaction>(harness: StoreHarness<Transaction>): void {
  describe('lifetimes', () => {
    const stage = stageFor(harness)

    test('a session ends at its absolute lifetime, however much it is used (ASVS 7.3.2)', async () => {
      const { another, clock, user } = stage()
      const sessions = another({ session: { lifetime: '2d', idleLifetime: '1d' }, clockTolerance: 0 })
      const { accessToken, session } = await sessions.create({ userId: user() })
      const end = session.expiresAt.getTime()
      expect(end - clock.wall()).toBe(2 * day)
      while (clock.wall() + hour < end) {
        clock.advance(hour)
        expect(await codeOf(sessions.verify(accessToken))).toBe('accepted')
        // What runs in the background is waited for by the next line's read of it.
        await sessions.list('nobody')
      }
      clock.set(end - 1)
      expect(await codeOf(sessions.verify(accessToken))).toBe('accepted')
      clock.set(end)
      expect(await codeOf(sessions.verify(accessToken))).toBe('session_expired')
    })

    test('an unused session ends at its idle lifetime although its token has not expired (ASVS 7.3.1)', async () => {
      const { sessions, clock, login, user } = stage()
      const { accessToken } = await login(user(), { lifetime: '30d', idleLifetime: '1h' })
      clock.advance(hour - 1)
      expect(await codeOf(sessions.verify(accessToken))).toBe('accepted')
      await sessions.close()
      const again = stage().another()
      clock.advance(hour - 1)
      expect(await codeOf(again.verify(accessToken))).toBe('accepted')
      await again.close()
      clock.advance(hour)
      expect(await codeOf(stage().another().verify(accessToken))).toBe('session_expired')
    })

    test('"remember me" is a lifetime of the session, not of the configuration (openora#150)', async () => {
      const { another, clock, user } = stage()
      const sessions = another()
      const userId = user()
      const short = await sessions.create({ userId, lifetime: '12h', idleLifetime: '1h' })
      const long = await sessions.create({ userId, lifetime: '90d', idleLifetime: '90d' })
      expect(short.session.expiresAt.getTime() - clock.wall()).toBe(12 * hour)
      expect(short.session.idleExpiresAt.getTime() - clock.wall()).toBe(hour)
      clock.advance(80 * day)
      expect(await codeOf(sessions.verify(short.accessToken))).toBe('session_expired')
      expect(await codeOf(sessions.verify(long.accessToken))).toBe('accepted')
    })

    test('an idle lifetime above the absolute one never extends it (ASVS 7.3.2)', async () => {
      const { another, user } = stage()
      const { session } = await another().create({ userId: user(), lifetime: '1h', idleLifetime: '10d' })
      expect(session.idleExpiresAt).toEqual(session.expiresAt)
    })

    test('a thousand verifies within a minute write last-seen at most once (expressjs/session#891)', async () => {
      const { another, open, clock, user } = stage()
      let writes = 0
      const counted = {
        ...open.store,
        touch: (...given: Parameters<typeof open.store.touch>) => ((writes += 1), open.store.touch(...given)),
      }
      const sessions = another({ store: counted })
      const { accessToken, session } = await sessions.create({ userId: user() })
      clock.advance(60_001)
      for (let round = 0; round < 10; round += 1) {
        await Promise.all(Array.from({ length: 100 }, () => sessions.verify(accessToken)))
        clock.advance(5_000)
      }
      await sessions.close()
      expect(writes).toBe(1)
      const [listed] = await another().list((await another().verify(accessToken)).userId)
      expect(listed!.lastSeenAt.getTime() - session.createdAt.getTime()).toBe(60_001)
    })

    test('a failed last-seen write fails no request, is reported, and is tried again', async () => {
      const { another, open, clock, user } = stage()
      const fault = new Error('disk full')
      let broken = true
      const store = {
        ...open.store,
        touch: (...given: Parameters<typeof open.store.touch>) =>
          broken ? Promise.reject(fault) : open.store.touch(...given),
      }
      const sessions = another({ store })
      const reported: BackgroundError[] = []
      const isReported = new Promise<void>(
        (resolve) => void sessions.on('error', (event) => (reported.push(event), resolve())),
      )
      const userId = user()
      const { accessToken } = await sessions.create({ userId })
      clock.advance(hour)
      expect(await codeOf(sessions.verify(accessToken))).toBe('accepted')
      await isReported
      expect(reported[0]).toMatchObject({ during: 'last seen', error: { code: 'store_unavailable', cause: fault } })
      broken = false
      expect(await codeOf(sessions.verify(accessToken))).toBe('accepted')
      await sessions.close()
      const [listed] = await another().list(userId)
      expect(listed!.lastSeenAt.getTime()).toBe(clock.wall())
    })

    test('last-seen never moves back when another node is behind', async () => {
      const { another, open, clock, user } = stage()
      const sessions = another()
      const userId = user()
      const { session } = await sessions.create({ userId })
      const keys = [{ userId, sid: session.sid }]
      const at = clock.wall()
      await open.store.touch(keys, { at: at + 2_000, interval: 1_000 }, {})
      await open.store.touch(keys, { at: at + 1_000, interval: 1_000 }, {})
      await open.store.touch(keys, { at: at + 3_000, interval: 1_000 }, {})
      const [listed] = await sessions.list(userId)
      expect(listed!.lastSeenAt.getTime()).toBe(at + 2_000)
      expect(listed!.idleExpiresAt.getTime() - session.idleExpiresAt.getTime()).toBe(2_000)
    })

    test('uses that wait while one fails are given up with it, and noted again: an outage holds up no close', async () => {
      const { another, open, clock, user } = stage()
      let asked = 0
      let isBroken = true
      let fail = (): void => {}
      const store = {
        ...open.store,
        touch: (...given: Parameters<typeof open.store.touch>): Promise<void> => {
          asked += 1
          if (!isBroken) return open.store.touch(...given)
          return new Promise((_, reject) => (fail = () => reject(new Error('ECONNREFUSED'))))
        },
      }
      const sessions = another({ store })
      const reported: BackgroundError[] = []
      sessions.on('error', (event) => void reported.push(event))
      const userId = user()
      const logins = await Promise.all(Array.from({ length: 200 }, () => sessions.create({ userId })))
      const useAll = (): Promise<unknown> => Promise.all(logins.map(({ accessToken }) => sessions.verify(accessToken)))
      clock.advance(hour)
      await useAll()
      fail()
      while (reported.length === 0) await sessions.tokenVersion('nobody')
      await sessions.tokenVersion('nobody')
      expect([asked, reported.length]).toEqual([1, 1])
      isBroken = false
      await useAll()
      await sessions.close()
      const listed = await another().list(userId, { limit: 1_000 })
      expect(listed.map(({ lastSeenAt }) => lastSeenAt.getTime())).toEqual(listed.map(() => clock.wall()))
    })

    test('sessions that come due together are written together, each by its own lifetimes', async () => {
      const { another, open, clock, user } = stage()
      const batches: number[] = []
      const store = {
        ...open.store,
        touch: (...given: Parameters<typeof open.store.touch>) => (
          batches.push(given[0].length),
          open.store.touch(...given)
        ),
      }
      const sessions = another({ store })
      const userId = user()
      const logins: TokenPair[] = []
      for (let count = 0; count < 150; count += 1) {
        const lifetime = count === 0 ? '7h' : '30d'
        logins.push(await sessions.create({ userId, lifetime, idleLifetime: count === 1 ? '100s' : '6h' }))
      }
      // Too soon for all but the one whose idle lifetime is short.
      clock.advance(15_000)
      await Promise.all(logins.map(({ accessToken }) => sessions.verify(accessToken)))
      while (batches.length === 0) await sessions.tokenVersion('nobody')
      clock.advance(hour)
      await Promise.all(logins.filter((_, index) => index !== 1).map(({ accessToken }) => sessions.verify(accessToken)))
      await sessions.close()
      expect(batches[0]).toBe(1)
      expect(batches.slice(1).reduce((sum, size) => sum + size, 0)).toBe(149)
      expect(batches.length).toBeLessThan(20)
      const listed = new Map((await another().list(userId, { limit: 1_000 })).map((one) => [one.sid, one]))
      const now = clock.wall()
      const idleOf = (index: number): number => listed.get(logins[index]!.session.sid)!.idleExpiresAt.getTime() - now
      expect(listed.size).toBe(149)
      expect(idleOf(0)).toBe(6 * hour - 15_000)
      expect(idleOf(2)).toBe(6 * hour)
      for (const [sid, { lastSeenAt }] of listed) expect([sid, lastSeenAt.getTime()]).toEqual([sid, now])
    })
  })
}
