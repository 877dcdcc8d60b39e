import { describe, expect, test } from 'vitest'
import type { BackgroundError } from '../../src/notifier.js'
import type { RotatedSession, SessionKey } from '../../src/ports/store.js'
import { codeOf, stageFor, type Stage, type StoreHarness } from './harness.js'
import { grace, hour, minute, record, refreshAs, refreshing, tolerance, use } from './refresh-stage.js'

/** Many callers, failing writes, clocks that differ, a database that forgot: nobody is logged out by any of it. */
export function describeRefreshFaults<Transaction>(harness: StoreHarness<Transaction>): void {
  describe('refresh under faults', () => {
    const stage = stageFor(harness)

    test('twenty callers with one token get one rotation and one pair (nocturne#326, auth-js#213)', async () => {
      const { clock, open, user } = stage()
      const nodes = [refreshing(stage()), refreshing(stage(), { store: open.elsewhere ?? open.store })]
      const userId = user()
      let { refreshToken: token } = await nodes[0]!.create({ userId })
      for (let round = 0; round < 5; round += 1) {
        clock.advance(minute)
        const answers = await Promise.all(Array.from({ length: 20 }, (_, index) => nodes[index % 2]!.refresh(token)))
        expect(answers.filter(({ outcome }) => outcome === 'rotated')).toHaveLength(1)
        expect(new Set(answers.map(({ refreshToken }) => refreshToken)).size).toBe(1)
        const verified = await Promise.all(answers.map(({ accessToken }) => nodes[0]!.verify(accessToken)))
        expect(new Set(verified.map(({ jti }) => jti)).size).toBe(1)
        token = answers[0]!.refreshToken
      }
      expect(await nodes[0]!.list(userId)).toHaveLength(1)
    })

    test('twenty callers with one token whose answer was lost get one late re-delivery', async () => {
      const { clock, user } = stage()
      const sessions = refreshing(stage())
      const { refreshToken } = await sessions.create({ userId: user() })
      clock.advance(minute)
      await sessions.refresh(refreshToken)
      clock.advance(hour)
      const answers = await Promise.all(Array.from({ length: 20 }, () => sessions.refresh(refreshToken)))
      expect(answers.filter(({ outcome }) => outcome === 'redelivered-late')).toHaveLength(1)
      expect(new Set(answers.map((answer) => answer.refreshToken)).size).toBe(1)
    })

    test('two nodes whose clocks differ by the tolerance, either way, log nobody out', async () => {
      for (const ahead of [-tolerance, tolerance]) {
        const { clock, user } = stage()
        const here = refreshing(stage())
        const there = refreshing(stage(), { clock: { ...clock, wall: () => clock.wall() + ahead } })
        const login = await here.create({ userId: user() })
        clock.advance(minute)
        const rotated = await refreshAs(there, login.refreshToken, 'rotated')
        await use(stage(), here, rotated.accessToken)
        clock.advance(grace - 1)
        expect((await refreshAs(here, login.refreshToken, 'redelivered')).refreshToken).toBe(rotated.refreshToken)
        expect(await codeOf(here.verify(login.accessToken))).toBe('accepted')
        clock.advance(tolerance + 1)
        await refreshAs(here, rotated.refreshToken, 'rotated')
      }
    })

    test('a failed first-use write fails no request, is reported, tried again, and logs nobody out', async () => {
      const { clock, open, user } = stage()
      const fault = new Error('disk full')
      let isBroken = true
      const store = {
        ...open.store,
        markUsed: (...given: Parameters<typeof open.store.markUsed>) =>
          isBroken ? Promise.reject(fault) : open.store.markUsed(...given),
      }
      const sessions = refreshing(stage(), { store })
      const reported = new Promise<BackgroundError>((resolve) => void sessions.on('error', resolve))
      const login = await sessions.create({ userId: user() })
      clock.advance(minute)
      const rotated = await sessions.refresh(login.refreshToken)
      expect(await codeOf(sessions.verify(rotated.accessToken))).toBe('accepted')
      expect(await reported).toMatchObject({ during: 'first use', error: { code: 'store_unavailable', cause: fault } })
      isBroken = false
      await use(stage(), sessions, rotated.accessToken)
      clock.advance(minute)
      await refreshAs(sessions, rotated.refreshToken, 'rotated')
    })

    test('first use is written once per rotation, by however many verifies', async () => {
      const { clock, open, user } = stage()
      let writes = 0
      const store = {
        ...open.store,
        markUsed: (...given: Parameters<typeof open.store.markUsed>) => ((writes += 1), open.store.markUsed(...given)),
      }
      const sessions = refreshing(stage(), { store })
      let { refreshToken: token } = await sessions.create({ userId: user() })
      for (let round = 0; round < 3; round += 1) {
        clock.advance(minute)
        const { accessToken, refreshToken } = await sessions.refresh(token)
        await Promise.all(Array.from({ length: 50 }, () => sessions.verify(accessToken)))
        token = refreshToken
      }
      await sessions.close()
      expect(writes).toBe(3)
    })

    test('a fault before, in or after the rotation burns nothing: the same token refreshes (keycloak#49213)', async () => {
      const { clock, open, user } = stage()
      const fault = new Error('the connection is gone')
      let answers = 0
      const faulty = (when: 'before' | 'after'): typeof open.store => ({
        ...open.store,
        async rotate(...given) {
          if (when === 'after') answers += (await open.store.rotate(...given)) ? 1 : 0
          throw fault
        },
      })
      const sessions = refreshing(stage())
      const { refreshToken } = await sessions.create({ userId: user() })
      clock.advance(minute)
      const before = refreshing(stage(), { store: faulty('before') })
      expect(await codeOf(before.refresh(refreshToken))).toBe('store_unavailable')
      const after = refreshing(stage(), { store: faulty('after') })
      expect(await codeOf(after.refresh(refreshToken))).toBe('store_unavailable')
      expect(answers).toBe(1)
      await refreshAs(sessions, refreshToken, 'redelivered')
    })

    test('the time that a request waits for our own database does not use up its grace', async () => {
      const { clock, open, user } = stage()
      let isSlow = true
      const store = {
        ...open.store,
        async rotate(...given: Parameters<typeof open.store.rotate>) {
          const hasWon = await open.store.rotate(...given)
          // Whoever loses waits as long as a lock may be held.
          if (!hasWon && isSlow) clock.advance(hour)
          return hasWon
        },
      }
      const sessions = refreshing(stage(), { store })
      const { refreshToken } = await sessions.create({ userId: user() })
      clock.advance(minute)
      const [one, other] = await Promise.all([sessions.refresh(refreshToken), sessions.refresh(refreshToken)])
      expect([one.outcome, other.outcome].toSorted()).toEqual(['redelivered', 'rotated'])
      expect(one.refreshToken).toBe(other.refreshToken)
      isSlow = false
    })

    test('claims that fail after the rotation burn nothing', async () => {
      const { clock, user } = stage()
      let isBroken = false
      const sessions = refreshing(stage(), {
        claims: () => {
          if (isBroken) throw new Error('no such role')
          return {}
        },
      })
      const { refreshToken } = await sessions.create({ userId: user() })
      clock.advance(minute)
      isBroken = true
      const refreshed = record(sessions, 'refreshed')
      await expect(sessions.refresh(refreshToken)).rejects.toThrow('no such role')
      expect(refreshed).toEqual([])
      isBroken = false
      await refreshAs(sessions, refreshToken, 'redelivered')
      expect(refreshed.map(({ outcome }) => outcome)).toEqual(['redelivered'])
    })

    for (const lost of ['rotated', 'redelivered-late'] as const) {
      test(`a row set back over what was ${lost} ends nothing: its client is told to retry`, async () => {
        const { clock, user } = stage()
        const sessions = refreshing(stage())
        const userId = user()
        const { refreshToken, session } = await sessions.create({ userId })
        clock.advance(minute)
        if (lost === 'redelivered-late') {
          await sessions.refresh(refreshToken)
          clock.advance(hour)
        }
        const setBack = await rememberRow(stage(), { userId, sid: session.sid })
        const newest = await refreshAs(sessions, refreshToken, lost)
        await setBack()
        expect(await codeOf(sessions.refresh(newest.refreshToken))).toBe('store_behind')
        expect(await codeOf(sessions.verify(newest.accessToken))).toBe('token_expired')
        expect(await sessions.list(userId)).toHaveLength(1)
        // Who had not got the newest goes on from the token before.
        await refreshAs(sessions, refreshToken, lost)
      })
    }
  })
}

/** Answers what sets the row's refresh state back to what it is now, as a failover to a database that is behind does. */
async function rememberRow<Transaction>(
  { open: { store } }: Stage<Transaction>,
  key: SessionKey,
): Promise<() => Promise<void>> {
  const then = await store.readForRefresh(key, {})
  return async () => {
    const now = await store.readForRefresh(key, {})
    const from = { hash: now!.refreshToken!.hash, onlyUnused: false }
    expect(await store.rotate(key, from, then as RotatedSession, {})).toBe(true)
  }
}
