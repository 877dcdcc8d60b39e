import { describe, expect, test } from 'vitest'
import type { VerifyOptions } from '../../src/verify.js'
import { codeOf, stageFor, type StoreHarness } from './harness.js'

const minute = 60_000
const refreshToken = { secret: 'a secret of thirty-two bytes or more', grace: '30s' } as const

/** What a verify may ask of the login, and whether it is a use of the session. */
export function describeLogins<Transaction>(harness: StoreHarness<Transaction>): void {
  describe('a verify that asks for more', () => {
    const stage = stageFor(harness)

    test('takes a login to the last millisecond of the age it may have, kept or read, and no refresh for one (RFC 9470)', async () => {
      const { another, clock, user } = stage()
      for (const maxStaleness of [0, '1h'] as const) {
        const sessions = another({ refreshToken, freshness: { maxStaleness } })
        const pair = await sessions.create({ userId: user() })
        const ask = { requireRecentLogin: '5m' } as const
        clock.advance(5 * minute)
        expect(await codeOf(sessions.verify(pair.accessToken, ask))).toBe('accepted')
        clock.advance(1)
        expect(await codeOf(sessions.verify(pair.accessToken, ask))).toBe('insufficient_user_authentication')
        expect(await codeOf(sessions.verify(pair.accessToken))).toBe('accepted')
        const { accessToken } = await sessions.refresh(pair.refreshToken!)
        expect(await codeOf(sessions.verify(accessToken, ask))).toBe('insufficient_user_authentication')
        await sessions.close()
      }
    })

    test('takes a login of exactly the classes it names', async () => {
      const { sessions, login, user } = stage()
      const [strong, weak] = [await login(user(), { acr: 'otp' }), await login(user())]
      const meets = (token: string, acr: string | string[]): Promise<string> => codeOf(sessions.verify(token, { acr }))
      expect(await Promise.all([meets(strong.accessToken, 'otp'), meets(strong.accessToken, ['key', 'otp'])])).toEqual([
        'accepted',
        'accepted',
      ])
      for (const [token, acr] of [
        [strong.accessToken, 'key'],
        [strong.accessToken, 'OTP'],
        [weak.accessToken, 'otp'],
      ] as const)
        expect(await meets(token, acr)).toBe('insufficient_user_authentication')
    })

    test('says first that a session has ended', async () => {
      const { sessions, login, user } = stage()
      const { accessToken } = await login(user())
      await sessions.revokeToken(accessToken)
      expect(await codeOf(sessions.verify(accessToken, { acr: 'otp' }))).toBe('session_ended')
    })

    test.each<[VerifyOptions]>([
      [{ requireRecentLogin: 0 }],
      [{ requireRecentLogin: 'soon' as '1s' }],
      [{ acr: '' }],
      [{ acr: [] }],
    ])('refuses %j', async (options) => {
      const { accessToken } = await stage().login(stage().user())
      await expect(stage().sessions.verify(accessToken, options)).rejects.toThrow(TypeError)
    })

    test('tells when the session ends, by itself and in any case', async () => {
      const { sessions, login, user } = stage()
      const { accessToken, session } = await login(user(), { lifetime: '2h', idleLifetime: '1h' })
      expect(await sessions.verify(accessToken)).toMatchObject({
        idleExpiresAt: session.idleExpiresAt,
        sessionExpiresAt: session.expiresAt,
      })
    })

    test('is no use of the session where it says so, but of its pair: that has arrived', async () => {
      const { another, clock, user } = stage()
      const settings = { refreshToken, accessToken: { lifetime: '1d' }, clockTolerance: 0 } as const
      const sessions = another(settings)
      const first = await sessions.create({ userId: user(), idleLifetime: '1h' })
      clock.advance(minute)
      const second = await sessions.refresh(first.refreshToken!)
      for (let count = 0; count < 5; count += 1) {
        clock.advance(11 * minute)
        await sessions.verify(second.accessToken, { countsAsUse: false })
      }
      // What runs in the background is waited for.
      await sessions.close()
      const later = another(settings)
      expect(await codeOf(later.refresh(first.refreshToken!))).toBe('refresh_token_reused')
      const third = await later.create({ userId: user(), idleLifetime: '1h' })
      clock.advance(59 * minute)
      await later.verify(third.accessToken, { countsAsUse: false })
      await later.close()
      clock.advance(minute)
      expect(await codeOf(another({ refreshToken }).verify(third.accessToken))).toBe('session_expired')
    })
  })
}
