import { describe, expect, test } from 'vitest'
import { codeOf, stageFor, type StoreHarness } from './harness.js'
import { grace, hour, minute, record, refreshAs, refreshing, second, tolerance, use } from './refresh-stage.js'

/** The table of answers: what a refresh token gets, by its place in the chain and its age. */
export function describeRefresh<Transaction>(harness: StoreHarness<Transaction>): void {
  describe('refresh', () => {
    const stage = stageFor(harness)

    test('a login gives a pair, and a refresh within grace the same refresh token and jti', async () => {
      const sessions = refreshing(stage())
      const { clock, user } = stage()
      const login = await sessions.create({ userId: user() })
      expect(login.refreshTokenExpiresAt).toEqual(login.session.expiresAt)
      clock.advance(grace - 1)
      const { refreshToken, accessToken } = await refreshAs(sessions, login.refreshToken, 'unchanged')
      expect(refreshToken).toBe(login.refreshToken)
      const [before, after] = [await sessions.verify(login.accessToken), await sessions.verify(accessToken)]
      expect(after.jti).toBe(before.jti)
      expect(after.expiresAt.getTime() - before.expiresAt.getTime()).toBeGreaterThanOrEqual(grace - second)
    })

    test('a pair is replaced from the very end of its grace on, and no millisecond before', async () => {
      for (const [age, outcome] of [
        [grace - 1, 'unchanged'],
        [grace, 'rotated'],
        [grace + 1, 'rotated'],
      ] as const) {
        const sessions = refreshing(stage())
        const login = await sessions.create({ userId: stage().user() })
        stage().clock.advance(age)
        await refreshAs(sessions, login.refreshToken, outcome)
      }
    })

    test('a rotation gives other tokens of the same session', async () => {
      const sessions = refreshing(stage())
      const login = await sessions.create({ userId: stage().user(), device: { name: 'Phone' } })
      stage().clock.advance(minute)
      const rotated = await refreshAs(sessions, login.refreshToken, 'rotated')
      expect(rotated.refreshToken).not.toBe(login.refreshToken)
      expect(rotated.session).toMatchObject({ sid: login.session.sid, device: { name: 'Phone' } })
      const { userId, jti } = await sessions.verify(rotated.accessToken)
      expect(jti).not.toBe((await sessions.verify(login.accessToken)).jti)
      expect(await sessions.list(userId)).toHaveLength(1)
    })

    test('a spent token is answered with its successor while grace and clock tolerance last, used or not (hydra#1831)', async () => {
      const sessions = refreshing(stage())
      const { clock, user } = stage()
      const login = await sessions.create({ userId: user() })
      clock.advance(minute)
      const rotated = await refreshAs(sessions, login.refreshToken, 'rotated')
      await use(stage(), sessions, rotated.accessToken)
      for (const wait of [0, grace, tolerance - 1]) {
        clock.advance(wait)
        const again = await refreshAs(sessions, login.refreshToken, 'redelivered')
        expect(again.refreshToken).toBe(rotated.refreshToken)
        expect((await sessions.verify(again.accessToken)).jti).toBe((await sessions.verify(rotated.accessToken)).jti)
      }
      clock.advance(1)
      expect(await codeOf(sessions.refresh(login.refreshToken))).toBe('refresh_token_reused')
    })

    test('a lost answer is made good hours later by a successor of its own (mcp-server-neon#232)', async () => {
      const sessions = refreshing(stage())
      const { clock, user } = stage()
      const login = await sessions.create({ userId: user() })
      clock.advance(minute)
      const lost = await sessions.refresh(login.refreshToken)
      clock.advance(5 * hour)
      const late = await refreshAs(sessions, login.refreshToken, 'redelivered-late')
      expect(late.refreshToken).not.toBe(lost.refreshToken)
      expect(await codeOf(sessions.verify(lost.accessToken))).toBe('token_expired')
      const retried = await refreshAs(sessions, login.refreshToken, 'redelivered')
      expect(retried.refreshToken).toBe(late.refreshToken)
      clock.advance(minute)
      await refreshAs(sessions, late.refreshToken, 'rotated')
    })

    test('whoever holds the answer that was made good ends the session with it (VilnaCRM#474)', async () => {
      const sessions = refreshing(stage())
      const { clock, user } = stage()
      const reused = record(sessions, 'reused')
      for (const isRotated of [false, true]) {
        const login = await sessions.create({ userId: user() })
        clock.advance(minute)
        const taken = await sessions.refresh(login.refreshToken)
        clock.advance(hour)
        const mine = await refreshAs(sessions, login.refreshToken, 'redelivered-late')
        clock.advance(minute)
        if (isRotated) await refreshAs(sessions, mine.refreshToken, 'rotated')
        expect(await codeOf(sessions.refresh(taken.refreshToken))).toBe('refresh_token_reused')
        expect(await codeOf(sessions.refresh(mine.refreshToken))).toBe('session_ended')
      }
      expect(reused.map(({ kind }) => kind)).toEqual(['superseded', 'superseded'])
    })

    test('a token spent for good ends its session, its access token at once, and no other device (N4, auth-js#201; ASVS 10.4.5, 16.3.3)', async () => {
      const sessions = refreshing(stage())
      const { clock, user } = stage()
      const [reused, revoked] = [record(sessions, 'reused'), record(sessions, 'revoked')]
      const userId = user()
      const login = await sessions.create({ userId })
      clock.advance(minute)
      const other = await sessions.create({ userId })
      const rotated = await sessions.refresh(login.refreshToken)
      await use(stage(), sessions, rotated.accessToken)
      clock.advance(minute)
      expect(await codeOf(sessions.refresh(login.refreshToken))).toBe('refresh_token_reused')
      expect(await codeOf(sessions.verify(rotated.accessToken))).toBe('session_ended')
      expect(await codeOf(sessions.refresh(rotated.refreshToken))).toBe('session_ended')
      expect(await codeOf(sessions.verify(other.accessToken))).toBe('accepted')
      const event = { userId, sid: login.session.sid, scope: 'session', reason: 'successor_used', tokenVersion: null }
      expect(reused).toMatchObject([{ ...event, kind: 'successor_used' }])
      expect(revoked).toMatchObject([event])
    })

    test('a token of two rotations ago ends its session even within grace (django-oauth-toolkit#1617; ASVS 10.4.5)', async () => {
      const sessions = refreshing(stage(), { refreshToken: { grace: '1s' }, clockTolerance: '1m' })
      const { clock, user } = stage()
      const reused = record(sessions, 'reused')
      const first = await sessions.create({ userId: user() })
      clock.advance(second)
      const next = await refreshAs(sessions, first.refreshToken, 'rotated')
      clock.advance(second)
      const last = await refreshAs(sessions, next.refreshToken, 'rotated')
      expect(await codeOf(sessions.refresh(first.refreshToken))).toBe('refresh_token_reused')
      expect(await codeOf(sessions.refresh(last.refreshToken))).toBe('session_ended')
      expect(reused.map(({ kind }) => kind)).toEqual(['superseded'])
    })

    test('showing the current refresh token proves its arrival as a verify does', async () => {
      const sessions = refreshing(stage())
      const { clock, user, open } = stage()
      const login = await sessions.create({ userId: user() })
      clock.advance(minute)
      const rotated = await sessions.refresh(login.refreshToken)
      await refreshAs(refreshing(stage()), rotated.refreshToken, 'unchanged')
      const { userId, sid } = await sessions.verify(rotated.accessToken)
      await use(stage(), sessions, rotated.accessToken)
      expect((await open.store.lookup([{ userId, sid }], {}))[0]!.rotation!.usedAt).toBe(clock.wall())
    })

    test('the access token before works on for grace and clock tolerance, then asks for a refresh (N7)', async () => {
      const sessions = refreshing(stage())
      const { clock, user } = stage()
      const login = await sessions.create({ userId: user() })
      clock.advance(minute)
      await sessions.refresh(login.refreshToken)
      clock.advance(grace + tolerance - 1)
      expect(await codeOf(sessions.verify(login.accessToken))).toBe('accepted')
      clock.advance(1)
      expect(await codeOf(sessions.verify(login.accessToken))).toBe('token_expired')
    })

    test('a logout of any kind ends the access token before at once: grace is none of its business (ASVS 7.4.1, 10.4.9)', async () => {
      for (const end of ['revoke', 'revokeAll', 'revokeOthers'] as const) {
        const sessions = refreshing(stage())
        const userId = stage().user()
        const login = await sessions.create({ userId })
        const kept = await sessions.create({ userId })
        stage().clock.advance(minute)
        const rotated = await sessions.refresh(login.refreshToken)
        if (end === 'revoke') await sessions.revoke(userId, login.session.sid)
        else if (end === 'revokeAll') await sessions.revokeAll(userId)
        else await sessions.revokeOthers(userId, kept.session.sid)
        expect(await codeOf(sessions.verify(login.accessToken))).toBe('session_ended')
        expect(await codeOf(sessions.verify(rotated.accessToken))).toBe('session_ended')
        for (const token of [login.refreshToken, rotated.refreshToken])
          expect(await codeOf(sessions.refresh(token))).toBe('session_ended')
      }
    })

    test('a session kept by a logout of the others refreshes on, with the version of its row', async () => {
      const sessions = refreshing(stage())
      const userId = stage().user()
      const login = await sessions.create({ userId })
      stage().clock.advance(minute)
      await sessions.revokeOthers(userId, login.session.sid)
      const rotated = await refreshAs(sessions, login.refreshToken, 'rotated')
      await sessions.revokeOthers(userId, login.session.sid)
      expect(await codeOf(sessions.verify(rotated.accessToken))).toBe('accepted')
      await refreshAs(sessions, login.refreshToken, 'redelivered')
    })
  })
}
