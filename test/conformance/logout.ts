import { describe, expect, test } from 'vitest'
import { codeOf, stageFor, type StoreHarness } from './harness.js'

/** One device, the others, all: what ends and what stays. */
export function describeLogout<Transaction>(harness: StoreHarness<Transaction>): void {
  describe('logout', () => {
    const stage = stageFor(harness)

    test('a login is accepted with its user, session and expiry (ASVS 10.3.4)', async () => {
      const { sessions, clock, login, user } = stage()
      const userId = user()
      const { accessToken, session, expiresAt } = await login(userId, {
        device: { name: 'Phone' },
        amr: ['pwd'],
        acr: 'aal1',
      })
      const verified = await sessions.verify(accessToken)
      expect(verified).toMatchObject({
        userId,
        sid: session.sid,
        claims: {},
        expiresAt,
        amr: ['pwd'],
        acr: 'aal1',
        source: 'store',
      })
      expect(verified.authenticatedAt.getTime()).toBe(clock.wall())
      expect(verified.checkedAt.getTime()).toBe(clock.wall())
      expect(session.device.name).toBe('Phone')
    })

    test('logging out one of three devices refuses its next request and leaves the others (devise-jwt#2, auth-js#75; ASVS 7.4.1, 7.5.2)', async () => {
      const { sessions, login, user } = stage()
      const userId = user()
      const [first, second, third] = [await login(userId), await login(userId), await login(userId)]
      expect(await sessions.revoke(userId, second.session.sid)).toEqual({ revoked: 1 })
      expect(await codeOf(sessions.verify(second.accessToken))).toBe('session_ended')
      expect(await codeOf(sessions.verify(first.accessToken))).toBe('accepted')
      expect(await codeOf(sessions.verify(third.accessToken))).toBe('accepted')
    })

    test('a second logout of the same device answers that nothing ended', async () => {
      const { sessions, login, user } = stage()
      const userId = user()
      const { session } = await login(userId)
      expect(await sessions.revoke(userId, session.sid)).toEqual({ revoked: 1 })
      expect(await sessions.revoke(userId, session.sid)).toEqual({ revoked: 0 })
    })

    test('two logouts of one device at once end it once', async () => {
      const { sessions, login, user } = stage()
      const userId = user()
      const { session } = await login(userId)
      const answers = await Promise.all(Array.from({ length: 8 }, () => sessions.revoke(userId, session.sid)))
      expect(answers.reduce((sum, { revoked }) => sum + revoked, 0)).toBe(1)
    })

    test('the sid of another user is the same as an unknown one and ends nothing', async () => {
      const { sessions, login, user } = stage()
      const victim = await login(user('victim'))
      expect(await sessions.revoke(user('stranger'), victim.session.sid)).toEqual({ revoked: 0 })
      expect(await codeOf(sessions.verify(victim.accessToken))).toBe('accepted')
    })

    test.each(['', ' ', '*', "' or 1=1 --", 'a'.repeat(10_000), '\0', '../../x', '%'])(
      'the sid %j is unknown',
      async (sid) => {
        const { sessions, login, user } = stage()
        const userId = user()
        const { accessToken } = await login(userId)
        expect(await sessions.revoke(userId, sid)).toEqual({ revoked: 0 })
        expect(await codeOf(sessions.verify(accessToken))).toBe('accepted')
      },
    )

    test('a genuine token logs its own device out, also when it has expired, and again without effect', async () => {
      const { sessions, login, user, clock } = stage()
      const userId = user()
      const other = await login(userId, { lifetime: '60d', idleLifetime: '60d' })
      const { accessToken } = await login(userId, { lifetime: '1h' })
      const start = clock.wall()
      clock.advance(7_200_000)
      expect(await sessions.revokeToken(accessToken)).toEqual({ revoked: 0 })
      clock.set(start)
      expect(await codeOf(sessions.verify(accessToken))).toBe('session_ended')
      expect(await sessions.revokeToken(accessToken)).toEqual({ revoked: 0 })
      expect(await codeOf(sessions.verify(other.accessToken))).toBe('accepted')
    })

    test('a forged token logs nobody out', async () => {
      const { sessions, login, user } = stage()
      const { accessToken } = await login(user())
      const forged = accessToken.slice(0, -4) + (accessToken.endsWith('AAAA') ? 'BBBA' : 'AAAA')
      expect(await codeOf(sessions.revokeToken(forged))).toBe('token_invalid')
      expect(await codeOf(sessions.verify(accessToken))).toBe('accepted')
    })

    test('logout everywhere refuses every token of the user and tells how many sessions ended (ASVS 7.4.1, 7.4.5)', async () => {
      const { sessions, login, user } = stage()
      const [userId, neighbour] = [user(), user('neighbour')]
      const logins = [await login(userId), await login(userId), await login(userId)]
      const untouched = await login(neighbour)
      expect(await sessions.revokeAll(userId)).toEqual({ revoked: 3, tokenVersion: 1 })
      for (const { accessToken } of logins) expect(await codeOf(sessions.verify(accessToken))).toBe('session_ended')
      expect(await codeOf(sessions.verify(untouched.accessToken))).toBe('accepted')
      expect(await sessions.revokeAll(userId)).toEqual({ revoked: 0, tokenVersion: 2 })
    })

    test('with the clock standing still, a login before logout everywhere is refused and one after it is accepted (wazuh#35043)', async () => {
      const { sessions, login, user } = stage()
      const userId = user()
      const before = await login(userId)
      await sessions.revokeAll(userId)
      const after = await login(userId)
      expect(await codeOf(sessions.verify(before.accessToken))).toBe('session_ended')
      expect(await codeOf(sessions.verify(after.accessToken))).toBe('accepted')
    })

    test('logging out the other devices keeps exactly the one that asks, with the token it has (ASVS 7.4.3, 7.5.2)', async () => {
      const { sessions, login, user } = stage()
      const userId = user()
      const [mine, second, third] = [await login(userId), await login(userId), await login(userId)]
      expect(await sessions.revokeOthers(userId, mine.session.sid)).toEqual({ revoked: 2, tokenVersion: 1 })
      expect(await codeOf(sessions.verify(mine.accessToken))).toBe('accepted')
      expect(await codeOf(sessions.verify(second.accessToken))).toBe('session_ended')
      expect(await codeOf(sessions.verify(third.accessToken))).toBe('session_ended')
      expect((await sessions.list(userId)).map(({ sid }) => sid)).toEqual([mine.session.sid])
      expect(await sessions.revokeAll(userId)).toEqual({ revoked: 1, tokenVersion: 2 })
      expect(await codeOf(sessions.verify(mine.accessToken))).toBe('session_ended')
    })

    test('logging out the others revives no session that had ended', async () => {
      const { sessions, login, user } = stage()
      const userId = user()
      const dead = await login(userId)
      await sessions.revokeAll(userId)
      const live = await login(userId)
      expect(await sessions.revokeOthers(userId, dead.session.sid)).toEqual({ revoked: 1, tokenVersion: 2 })
      expect(await codeOf(sessions.verify(dead.accessToken))).toBe('session_ended')
      expect(await codeOf(sessions.verify(live.accessToken))).toBe('session_ended')
    })

    test('logging out the others keeps no session of another user', async () => {
      const { sessions, login, user } = stage()
      const [userId, stranger] = [user(), user('stranger')]
      const mine = await login(userId)
      const foreign = await login(stranger)
      expect(await sessions.revokeOthers(userId, foreign.session.sid)).toEqual({ revoked: 1, tokenVersion: 1 })
      expect(await codeOf(sessions.verify(mine.accessToken))).toBe('session_ended')
      expect(await codeOf(sessions.verify(foreign.accessToken))).toBe('accepted')
      expect(await sessions.tokenVersion(stranger)).toBe(0)
    })

    test('a session ended by logout everywhere is neither listed, counted, renamed nor ended again', async () => {
      const { sessions, login, user } = stage()
      const userId = user()
      const { session } = await login(userId)
      await sessions.revokeAll(userId)
      expect(await sessions.list(userId)).toEqual([])
      expect(await sessions.rename(userId, session.sid, 'x')).toEqual({ renamed: 0 })
      expect(await sessions.revoke(userId, session.sid)).toEqual({ revoked: 0 })
    })

    test('a request still running when its session is revoked does not bring it back (express-session#632; ASVS 7.4.1)', async () => {
      const { sessions, login, user, open, clock } = stage()
      const userId = user()
      const { accessToken, session } = await login(userId)
      await sessions.revoke(userId, session.sid)
      const now = clock.wall() + 600_000
      await open.store.touch([{ userId, sid: session.sid }], { at: now, interval: 1_000 }, {})
      expect(await codeOf(sessions.verify(accessToken))).toBe('session_ended')
      expect(await sessions.list(userId)).toEqual([])
    })

    test('a change made elsewhere is seen by the next verify here (ASVS 7.4.1)', async ({ skip }) => {
      const { another, login, user, open, sessions } = stage()
      if (!open.elsewhere) return skip('the rows of this store belong to one process')
      const elsewhere = another({ store: open.elsewhere })
      const userId = user()
      const [first, second] = [await login(userId), await login(userId)]
      expect(await codeOf(elsewhere.verify(first.accessToken))).toBe('accepted')
      await elsewhere.revoke(userId, first.session.sid)
      expect(await codeOf(sessions.verify(first.accessToken))).toBe('session_ended')
      await sessions.revokeAll(userId)
      expect(await codeOf(elsewhere.verify(second.accessToken))).toBe('session_ended')
    })
  })
}
