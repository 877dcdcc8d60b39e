import { describe, expect, test } from 'vitest'
import { codeOf, stageFor, type StoreHarness } from './harness.js'

/** The token version, and logins that race a change of it. */
export function describeVersions<Transaction>(harness: StoreHarness<Transaction>): void {
  describe('token version', () => {
    const stage = stageFor(harness)

    test('a user never seen has version 0, and reading it writes nothing', async () => {
      const { sessions, user, open } = stage()
      const userId = user()
      expect(await sessions.tokenVersion(userId)).toBe(0)
      expect(await open.store.readUser(userId, {})).toEqual({ tokenVersion: 0, suspendedUntil: null })
    })

    test('logout everywhere of a user never seen makes it 1, and a login that read 0 before is refused', async () => {
      const { sessions, user, login } = stage()
      const userId = user()
      const expectedTokenVersion = await sessions.tokenVersion(userId)
      expect(await sessions.revokeAll(userId)).toEqual({ revoked: 0, tokenVersion: 1 })
      expect(await codeOf(login(userId, { expectedTokenVersion }))).toBe('token_version_moved')
      expect(await sessions.list(userId)).toEqual([])
    })

    test('a login checked against the old password is refused after logout of the others, too (better-auth#11073; ASVS 7.4.3)', async () => {
      const { sessions, user, login } = stage()
      const userId = user()
      const mine = await login(userId)
      const expectedTokenVersion = await sessions.tokenVersion(userId)
      await sessions.revokeOthers(userId, mine.session.sid)
      expect(await codeOf(login(userId, { expectedTokenVersion }))).toBe('token_version_moved')
      expect(await codeOf(login(userId, { expectedTokenVersion: await sessions.tokenVersion(userId) }))).toBe(
        'accepted',
      )
    })

    test('a version below or above the current one is refused', async () => {
      const { sessions, user, login } = stage()
      const userId = user()
      await sessions.revokeAll(userId)
      expect(await codeOf(login(userId, { expectedTokenVersion: 0 }))).toBe('token_version_moved')
      expect(await codeOf(login(userId, { expectedTokenVersion: 2 }))).toBe('token_version_moved')
      expect(await codeOf(login(userId, { expectedTokenVersion: 1 }))).toBe('accepted')
    })

    test('twenty changes at once all count (proliferate#877)', async () => {
      const { sessions, user } = stage()
      const userId = user()
      const answers = await Promise.all(Array.from({ length: 20 }, () => sessions.revokeAll(userId)))
      const versions = answers.map(({ tokenVersion }) => tokenVersion).toSorted((a, b) => a - b)
      expect(versions).toEqual(Array.from({ length: 20 }, (_, index) => index + 1))
      expect(await sessions.tokenVersion(userId)).toBe(20)
    })

    test('logins of a user never seen, all at once, all succeed', async () => {
      const { sessions, user, login } = stage()
      const userId = user()
      const logins = await Promise.all(Array.from({ length: 20 }, () => login(userId, { expectedTokenVersion: 0 })))
      for (const { accessToken } of logins) expect(await codeOf(sessions.verify(accessToken))).toBe('accepted')
      expect(await sessions.list(userId)).toHaveLength(20)
    })

    test('of logins racing logout everywhere none survives it', async () => {
      const { sessions, user, login } = stage()
      for (let round = 0; round < 20; round += 1) {
        const userId = user()
        const expectedTokenVersion = await sessions.tokenVersion(userId)
        const [attempt] = await Promise.allSettled([
          login(userId, { expectedTokenVersion }),
          sessions.revokeAll(userId),
        ])
        if (attempt.status === 'fulfilled')
          expect(await codeOf(sessions.verify(attempt.value.accessToken))).toBe('session_ended')
        expect(await sessions.list(userId)).toEqual([])
      }
    })

    test('a token of a version above its row is refused', async () => {
      const { sessions, user, login, keys, clock } = stage()
      const userId = user()
      const { session, accessToken } = await login(userId)
      const payload = JSON.parse(Buffer.from(accessToken.split('.')[1]!, 'base64url').toString()) as Record<
        string,
        unknown
      >
      const above = await keys.sign('at+jwt', { ...payload, tokenVersion: 1 })
      expect(session.createdAt.getTime()).toBe(clock.wall())
      expect(await codeOf(sessions.verify(above))).toBe('session_ended')
    })

    test('a jti in another case is refused (scs#226)', async () => {
      const { sessions, user, login, keys } = stage()
      const { accessToken } = await login(user())
      const payload = JSON.parse(Buffer.from(accessToken.split('.')[1]!, 'base64url').toString()) as Record<
        string,
        string
      >
      for (const name of ['jti', 'sid']) {
        const swapped = payload[name]!.replaceAll(/[a-z]/gi, (letter) =>
          letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase(),
        )
        expect(await codeOf(sessions.verify(await keys.sign('at+jwt', { ...payload, [name]: swapped })))).toBe(
          'session_ended',
        )
      }
    })
  })
}
