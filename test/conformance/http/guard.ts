import { describe, expect, test } from 'vitest'
import { stageFor, type FrameworkHarness } from './harness.js'

export function describeGuard(harness: FrameworkHarness): void {
  describe('a guard', () => {
    const stage = stageFor(harness)

    test('lets a session in and tells the route who it is', async () => {
      const { accessToken, userId, session } = await stage().logIn()
      const answer = await stage().send({ route: 'GET /guarded', token: accessToken })
      expect([answer.status, answer.json]).toEqual([
        200,
        { userId, sid: session.sid, role: 'member', from: 'bearer', source: 'store' },
      ])
    })

    test('takes the scheme in any case', async () => {
      const { accessToken } = await stage().logIn()
      for (const scheme of ['bearer', 'BEARER', 'Bearer ']) {
        const headers = [['Authorization', `${scheme} ${accessToken}`]] as const
        expect((await stage().send({ route: 'GET /guarded', headers })).status).toBe(200)
      }
    })

    test('challenges without an error where there is no token, and reaches no route (RFC 6750, section 3.1)', async () => {
      const before = stage().reached()
      for (const headers of [
        [],
        [['Authorization', '']],
        [['Authorization', 'Basic YTpi']],
        [['Authorization', 'DPoP a.b.c']],
      ] as const) {
        const answer = await stage().send({ route: 'GET /guarded', headers })
        expect([answer.summary, answer.headers['www-authenticate']]).toEqual(['401 token_missing', 'Bearer'])
        expect(answer.headers['cache-control']).toBe('no-store')
      }
      expect(stage().reached()).toBe(before)
    })

    test('takes no token from the address or from a body (ASVS 14.2.1)', async () => {
      const { accessToken } = await stage().logIn()
      const body = `access_token=${accessToken}`
      for (const route of [`GET /guarded?access_token=${accessToken}`, `GET /guarded?token=${accessToken}`])
        expect((await stage().send({ route })).summary).toBe('401 token_missing')
      const headers = [['Content-Type', 'application/x-www-form-urlencoded']] as const
      expect((await stage().send({ route: 'POST /guarded', headers, body })).summary).toBe('401 token_missing')
    })

    test.each<[string, readonly string[]]>([
      ['two headers', ['Bearer a.b.c', 'Bearer d.e.f']],
      ['one header twice', ['Bearer a.b.c', 'Bearer a.b.c']],
      ['another scheme before', ['Basic YTpi', 'Bearer d.e.f']],
      ['another scheme after', ['Bearer d.e.f', 'Basic YTpi']],
      ['no token', ['Bearer']],
      ['two tokens', ['Bearer a.b.c d.e.f']],
      ['a list', ['Bearer a.b.c, Bearer d.e.f']],
      ['quotes', ['Bearer "a.b.c"']],
      ['a tab', ['Bearer\ta.b.c']],
    ])('calls %s an invalid request', async (_, lines) => {
      const headers = lines.map((line) => ['Authorization', line] as const)
      const answer = await stage().send({ route: 'GET /guarded', headers })
      expect([answer.summary, answer.headers['www-authenticate']]).toEqual([
        '400 invalid_request',
        'Bearer error="invalid_request"',
      ])
    })

    test('refuses two headers also where the first would do', async () => {
      const { accessToken } = await stage().logIn()
      const headers = [`Bearer ${accessToken}`, 'Bearer a.b.c'].map((line) => ['Authorization', line] as const)
      expect((await stage().send({ route: 'GET /guarded', headers })).summary).toBe('400 invalid_request')
    })

    test('answers each bad token with its code and invalid_token, and never repeats it (RFC 6750, section 3.1)', async () => {
      const { clock, sessions } = stage()
      const [ended, suspended] = [await stage().logIn(), await stage().logIn()]
      await sessions.revoke(ended.userId, ended.session.sid)
      await sessions.suspend(suspended.userId)
      const forged = `${ended.accessToken.slice(0, -4)}AAAA`
      const bad: [string, string][] = [
        ['not-a-token', 'token_malformed'],
        [`a.b.${'c'.repeat(64 * 1_024)}`, 'token_malformed'],
        [ended.refreshToken, 'token_malformed'],
        [forged, 'token_invalid'],
        [ended.accessToken, 'session_ended'],
        [suspended.accessToken, 'user_suspended'],
      ]
      const expired = await stage().logIn()
      for (const [token, code] of bad) {
        const answer = await stage().send({ route: 'GET /guarded', token })
        expect([answer.summary, answer.headers['www-authenticate']]).toEqual([
          `401 ${code}`,
          'Bearer error="invalid_token"',
        ])
        expect(answer.json).toEqual({ code, message: expect.any(String) })
        expect(answer.text).not.toContain(token.slice(0, 30))
      }
      clock.advance(11 * 60_000)
      expect((await stage().send({ route: 'GET /guarded', token: expired.accessToken })).summary).toBe(
        '401 token_expired',
      )
      clock.advance(400 * 86_400_000)
      expect(stage().reported).toEqual([])
    })
  })

  describe('the settings of one route', () => {
    const stage = stageFor(harness, {
      settings: { freshness: { maxStaleness: '10s' } },
      guarded: {
        '/cheap': {},
        '/critical': { maxStaleness: 0 },
        '/open': { optional: true },
        '/admin': { audience: 'https://admin.example' },
        '/recent': { requireRecentLogin: '10m' },
        '/strong': { acr: ['urn:example:otp', 'urn:example:key'] },
        '/both': { requireRecentLogin: '10m', acr: 'urn:example:otp' },
      },
    })

    test('bound how old the read may be that lets it in: critical ones ask, cheap ones need not', async () => {
      const { accessToken: token } = await stage().logIn()
      const sourceOf = async (path: string): Promise<string> =>
        (await stage().send({ route: `GET ${path}`, token })).json.source as string
      expect([await sourceOf('/cheap'), await sourceOf('/cheap'), await sourceOf('/critical')]).toEqual([
        'store',
        'cache',
        'store',
      ])
    })

    test('let nobody in where that is optional, but no token that is bad', async () => {
      const { accessToken, userId, session } = await stage().logIn()
      const nobody = await stage().send({ route: 'GET /open' })
      expect([nobody.status, nobody.json]).toEqual([200, null])
      const somebody = await stage().send({ route: 'GET /open', token: accessToken })
      expect(somebody.json).toMatchObject({ userId })
      await stage().sessions.revoke(userId, session.sid)
      expect((await stage().send({ route: 'GET /open', token: accessToken })).summary).toBe('401 session_ended')
      expect((await stage().send({ route: 'GET /open', token: 'x' })).summary).toBe('401 token_malformed')
    })

    test('accept the audiences they name (ASVS 9.2.3)', async () => {
      const [api, admin] = [
        await stage().logIn({ audience: 'https://api.example' }),
        await stage().logIn({ audience: 'https://admin.example' }),
      ]
      expect((await stage().send({ route: 'GET /admin', token: api.accessToken })).summary).toBe('401 token_invalid')
      expect((await stage().send({ route: 'GET /admin', token: admin.accessToken })).summary).toBe('200')
    })

    test('ask for a recent login, to the millisecond, and say how recent (RFC 9470; ASVS 7.5.1)', async () => {
      const { accessToken: token, userId } = await stage().logIn()
      stage().clock.advance(9 * 60_000)
      expect((await stage().send({ route: 'GET /recent', token })).summary).toBe('200')
      const { refreshToken } = await stage().logIn({ userId })
      stage().clock.advance(60_001)
      const answer = await stage().send({ route: 'GET /recent', token: (await stage().logIn({ userId })).accessToken })
      expect(answer.summary).toBe('200')
      stage().clock.advance(10 * 60_000 + 1)
      const { accessToken } = await stage().sessions.refresh(refreshToken)
      const old = await stage().send({ route: 'GET /recent', token: accessToken })
      expect([old.summary, old.headers['www-authenticate']]).toEqual([
        '401 insufficient_user_authentication',
        'Bearer error="insufficient_user_authentication", max_age="600"',
      ])
      expect((await stage().send({ route: 'GET /cheap', token: accessToken })).summary).toBe('200')
    })

    test('ask for a class of login, and say which (RFC 9470; ASVS 7.5.3, 10.3.4)', async () => {
      const strong = await stage().logIn({ acr: 'urn:example:key', amr: ['hwk'] })
      expect((await stage().send({ route: 'GET /strong', token: strong.accessToken })).summary).toBe('200')
      for (const acr of [undefined, 'urn:example:pwd', 'URN:EXAMPLE:KEY']) {
        const { accessToken: token } = await stage().logIn({ acr })
        const answer = await stage().send({ route: 'GET /strong', token })
        expect([answer.summary, answer.headers['www-authenticate']]).toEqual([
          '401 insufficient_user_authentication',
          'Bearer error="insufficient_user_authentication", acr_values="urn:example:otp urn:example:key"',
        ])
      }
      const both = await stage().send({ route: 'GET /both', token: strong.accessToken })
      expect(both.headers['www-authenticate']).toBe(
        'Bearer error="insufficient_user_authentication", acr_values="urn:example:otp", max_age="600"',
      )
    })

    test('tell what a login must be like to nobody whose token is not good (RFC 9470, section 3)', async () => {
      const { accessToken: token, userId, session } = await stage().logIn()
      await stage().sessions.revoke(userId, session.sid)
      const answer = await stage().send({ route: 'GET /both', token })
      expect([answer.summary, answer.headers['www-authenticate']]).toEqual([
        '401 session_ended',
        'Bearer error="invalid_token"',
      ])
    })
  })
}
