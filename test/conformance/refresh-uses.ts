import { describe, expect, test } from 'vitest'
import type { RefreshOptions } from '../../src/refresh.js'
import { codeOf, stageFor, type StoreHarness } from './harness.js'
import { hour, minute, refreshAs, refreshing, second } from './refresh-stage.js'

const noUse: RefreshOptions = { countsAsUse: false }

/** Whether a refresh is a use of the session. */
export function describeRefreshUses<Transaction>(harness: StoreHarness<Transaction>): void {
  describe('refresh as a use', () => {
    const stage = stageFor(harness)

    test('that leaves the pair alone is a use all the same', async () => {
      const { clock, user } = stage()
      const sessions = refreshing(stage(), { session: { idleLifetime: '30m' }, refreshToken: { grace: '1h' } })
      const userId = user()
      const { refreshToken, session } = await sessions.create({ userId })
      for (let round = 0; round < 5; round += 1) {
        clock.advance(10 * minute)
        // Not verified: that would be a use of its own.
        expect((await sessions.refresh(refreshToken)).outcome).toBe('unchanged')
        const lastSeen = async (): Promise<number> => (await sessions.list(userId))[0]!.lastSeenAt.getTime()
        await expect.poll(lastSeen, { interval: 5 }).toBe(clock.wall())
      }
      expect(clock.wall()).toBeGreaterThan(session.idleExpiresAt.getTime())
    })

    test('that counts as none moves neither last-seen nor the end, whatever its outcome', async () => {
      const { clock, user } = stage()
      const sessions = refreshing(stage(), { refreshToken: { grace: '5m' } })
      const userId = user()
      const login = await sessions.create({ userId, idleLifetime: '1h' })
      const { lastSeenAt, idleExpiresAt } = login.session
      let shown = login.refreshToken
      for (const [wait, outcome, isShownAgain] of [
        // Longer than lastSeenInterval, or nothing would be noted anyway.
        [4 * minute, 'unchanged', true],
        [10 * minute, 'rotated', true],
        [second, 'redelivered', true],
        [10 * minute, 'redelivered-late', false],
        [10 * minute, 'rotated', false],
      ] as const) {
        clock.advance(wait)
        const refreshed = await sessions.refresh(shown, noUse)
        expect(refreshed.outcome).toBe(outcome)
        expect(refreshed.session).toMatchObject({ lastSeenAt, idleExpiresAt })
        if (!isShownAgain) shown = refreshed.refreshToken
      }
      // What runs in the background is waited for.
      await sessions.close()
      const later = refreshing(stage())
      expect((await later.list(userId))[0]).toMatchObject({ lastSeenAt, idleExpiresAt })
      clock.set(idleExpiresAt.getTime() - 1)
      shown = (await later.refresh(shown, noUse)).refreshToken
      clock.advance(1)
      for (const options of [noUse, {}]) expect(await codeOf(later.refresh(shown, options))).toBe('session_expired')
    })

    test('that says nothing of it, or that it is one, begins the idle lifetime anew', async () => {
      const { clock, user } = stage()
      const sessions = refreshing(stage())
      for (const options of [undefined, {}, { countsAsUse: undefined }, { countsAsUse: true }]) {
        const userId = user()
        const { refreshToken } = await sessions.create({ userId, idleLifetime: '1h' })
        clock.advance(59 * minute)
        const { outcome, session } = await sessions.refresh(refreshToken, options)
        const [lastSeenAt, idleExpiresAt] = [new Date(clock.wall()), new Date(clock.wall() + hour)]
        expect([outcome, session]).toMatchObject(['rotated', { lastSeenAt, idleExpiresAt }])
        expect((await sessions.list(userId))[0]).toMatchObject({ lastSeenAt, idleExpiresAt })
      }
    })

    test('that counts as none shows all the same that its pair has arrived', async () => {
      const { clock, user } = stage()
      const sessions = refreshing(stage())
      const login = await sessions.create({ userId: user() })
      clock.advance(minute)
      const rotated = await sessions.refresh(login.refreshToken, noUse)
      expect((await sessions.refresh(rotated.refreshToken, noUse)).outcome).toBe('unchanged')
      await sessions.close()
      clock.advance(hour)
      expect(await codeOf(refreshing(stage()).refresh(login.refreshToken, noUse))).toBe('refresh_token_reused')
    })

    test('never undoes a use that was noted while it was under way, be it one itself or not', async () => {
      const { clock, open, user } = stage()
      for (const [countsAsUse, ahead] of [
        [false, 0],
        // A node whose clock is ahead.
        [true, 2 * second],
      ] as const) {
        let usedAt = 0
        const store = {
          ...open.store,
          async rotate(...given: Parameters<typeof open.store.rotate>) {
            usedAt = clock.wall() + ahead
            await open.store.touch([given[0]], { at: usedAt, interval: second }, {})
            return open.store.rotate(...given)
          },
        }
        const sessions = refreshing(stage(), { store })
        const userId = user()
        const { refreshToken } = await sessions.create({ userId, idleLifetime: '1h' })
        clock.advance(50 * minute)
        const { outcome, accessToken } = await sessions.refresh(refreshToken, { countsAsUse })
        expect(outcome).toBe('rotated')
        const [listed] = await sessions.list(userId)
        expect([listed!.lastSeenAt.getTime(), listed!.idleExpiresAt.getTime()]).toEqual([usedAt, usedAt + hour])
        clock.advance(50 * minute)
        expect(await codeOf(sessions.verify(accessToken, noUse))).not.toBe('session_expired')
      }
    })

    test.each(['false', 0, null, {}])('%j is a TypeError, and does nothing', async (countsAsUse) => {
      const { clock, user } = stage()
      const sessions = refreshing(stage())
      const { refreshToken } = await sessions.create({ userId: user() })
      clock.advance(minute)
      await expect(sessions.refresh(refreshToken, { countsAsUse: countsAsUse as boolean })).rejects.toThrow(TypeError)
      await refreshAs(sessions, refreshToken, 'rotated')
    })
  })
}
