import type { SetCookie } from 'cookie'
import { describe, expect, test } from 'vitest'
import { stageFor, type FrameworkHarness, type Stage } from './harness.js'
import { cookiesFor, samePage, type Answer } from './send.js'

export async function logInByCookie(
  stage: Stage,
  options: Partial<Parameters<Stage['name']>[0]> = {},
  cookies?: string,
): Promise<Answer> {
  const userId = options.userId ?? (await stage.logIn()).userId
  const name = stage.name({ userId, mode: 'cookie', ...options })
  return stage.send({ route: `POST /login?as=${name}`, headers: samePage, cookies })
}

function byName(cookies: readonly SetCookie[]): Record<string, SetCookie> {
  return Object.fromEntries(cookies.map((cookie) => [cookie.name, cookie]))
}

export function describeCookies(harness: FrameworkHarness): void {
  describe('the cookies of a login', () => {
    const stage = stageFor(harness, { options: { from: 'either' } })

    test('are Secure, HttpOnly, SameSite, and of prefixes that keep them to this host (ASVS 3.3.1, 3.3.2, 3.3.3)', async () => {
      const { cookies, headers } = await logInByCookie(stage())
      expect(cookies.map(({ value: _value, ...cookie }) => cookie)).toEqual([
        {
          name: '__Host-rollcall-access',
          httpOnly: true,
          secure: true,
          sameSite: 'lax',
          path: '/',
          maxAge: 30 * 86_400,
        },
        {
          name: '__Secure-rollcall-refresh',
          httpOnly: true,
          secure: true,
          sameSite: 'strict',
          path: '/auth/refresh',
          maxAge: 30 * 86_400,
        },
        { name: '__Host-rollcall-expiry', secure: true, sameSite: 'lax', path: '/', maxAge: 30 * 86_400 },
      ])
      expect([headers['cache-control'], headers['vary']]).toEqual([
        'no-store',
        'Authorization, Cookie, Origin, Sec-Fetch-Site',
      ])
    })

    test('hold the tokens, and nothing else of the answer does, at login and at refresh (ASVS 3.3.4, 10.1.1)', async () => {
      const login = await logInByCookie(stage())
      stage().clock.advance(60_000)
      const refreshed = await stage().send({
        route: 'POST /auth/refresh',
        headers: samePage,
        cookies: cookiesFor('/auth/refresh', login.cookies),
      })
      expect(refreshed.json.outcome).toBe('rotated')
      for (const { cookies, text, headers, json } of [login, refreshed]) {
        const [access, refresh] = cookies.map(({ value = '' }) => value)
        expect([access, refresh]).toEqual([expect.stringMatching(/^ey/), expect.stringMatching(/^rollcall_rt_/)])
        const { 'set-cookie': _, ...others } = headers
        for (const place of [text, JSON.stringify(others)]) {
          for (const token of [access!, refresh!]) expect(place).not.toContain(token.slice(-30))
        }
        expect(Object.keys(json)).not.toContain('accessToken')
        expect(json.session.device.userAgent).toBeNull()
      }
    })

    test('tell a script when the session ends, and nothing else', async () => {
      const { cookies, json } = await logInByCookie(stage())
      const { httpOnly, value = '' } = byName(cookies)['__Host-rollcall-expiry']!
      expect(httpOnly).toBeUndefined()
      const seconds = (text: string): string => String(Math.floor(new Date(text).getTime() / 1_000))
      expect(Object.fromEntries(new URLSearchParams(value))).toEqual({
        access: seconds(json.expiresAt),
        idle: seconds(json.session.idleExpiresAt),
        session: seconds(json.session.expiresAt),
      })
    })

    test('open what the header opens; where both are sent, the header alone counts', async () => {
      const [login, other] = [await logInByCookie(stage()), await stage().logIn()]
      const cookies = cookiesFor('/guarded', login.cookies)
      const answer = await stage().send({ route: 'GET /guarded', cookies })
      expect(answer.json).toMatchObject({ sid: login.json.session.sid, from: 'cookie' })
      const both = await stage().send({ route: 'GET /guarded', cookies, token: other.accessToken })
      expect(both.json).toMatchObject({ sid: other.session.sid, from: 'bearer' })
      expect((await stage().send({ route: 'GET /guarded', cookies, token: 'x' })).summary).toBe('401 token_malformed')
      const headers = [['Authorization', 'Basic YTpi']] as const
      expect((await stage().send({ route: 'GET /guarded', cookies, headers })).json).toMatchObject({ from: 'cookie' })
    })

    test('are refused when there are two of a name, since one of them is somebody else’s', async () => {
      const [login, other] = [await logInByCookie(stage()), await logInByCookie(stage())]
      for (const path of ['/guarded', '/auth/refresh']) {
        const cookies = [other, login].map(({ cookies }) => cookiesFor(path, cookies)).join('; ')
        const route = `${path === '/guarded' ? 'GET' : 'POST'} ${path}`
        const answer = await stage().send({ route, headers: samePage, cookies })
        expect([answer.summary, answer.cookies]).toEqual(['400 invalid_request', []])
      }
    })

    test('are refused for an empty one beside them, and not for one whose name is none of ours (a neighbour can set it)', async () => {
      const { accessToken } = await stage().logIn()
      const own = `__Host-rollcall-access=${accessToken}`
      const answers: Record<string, string> = {
        [`__Host-rollcall-access=; ${own}`]: '400 invalid_request',
        [`\u00A0__Host-rollcall-access=x; ${own}`]: '200',
        [`${own}; __Host-rollcall-access\u00A0=x`]: '200',
        [`__Host-rollcall-access; ${own}`]: '200',
        [`a=b;\t__Host-rollcall-access =${accessToken}`]: '200',
      }
      for (const [cookies, summary] of Object.entries(answers))
        expect((await stage().send({ route: 'GET /guarded', cookies })).summary).toBe(summary)
    })

    test('that are empty, of another name or 64 KB long open nothing', async () => {
      const { accessToken } = await stage().logIn()
      const answers: Record<string, string> = {
        '__Host-rollcall-access=': '401 token_missing',
        [`rollcall-access=${accessToken}`]: '401 token_missing',
        [`__host-rollcall-access=${accessToken}`]: '401 token_missing',
        [`__Host-rollcall-access=${'x'.repeat(64 * 1_024)}`]: '401 token_malformed',
        ';;;=;': '401 token_missing',
      }
      for (const [cookies, summary] of Object.entries(answers))
        expect((await stage().send({ route: 'GET /guarded', cookies })).summary).toBe(summary)
    })

    test('end with the browser where they are not to be remembered, after a refresh as well', async () => {
      const login = await logInByCookie(stage(), { persistent: false })
      stage().clock.advance(60_000)
      const cookies = cookiesFor('/auth/refresh', login.cookies)
      const refreshed = await stage().send({ route: 'POST /auth/refresh', headers: samePage, cookies })
      expect(refreshed.json.outcome).toBe('rotated')
      stage().clock.advance(60_000)
      const again = await stage().send({
        route: 'POST /auth/refresh',
        headers: samePage,
        cookies: cookiesFor('/auth/refresh', refreshed.cookies),
      })
      expect(again.json.outcome).toBe('rotated')
      for (const answer of [login, refreshed, again]) {
        expect(answer.cookies).toHaveLength(3)
        for (const cookie of answer.cookies) expect(cookie).not.toHaveProperty('maxAge')
      }
    })

    test('live no longer than browsers let them, and no longer than the session', async () => {
      const long = await logInByCookie(stage(), { lifetime: '3650d' })
      const short = await logInByCookie(stage(), { lifetime: '1h' })
      expect([long, short].map(({ cookies }) => cookies.map(({ maxAge }) => maxAge))).toEqual([
        Array.from({ length: 3 }, () => 400 * 86_400),
        Array.from({ length: 3 }, () => 3_600),
      ])
    })

    test('are not issued where browsers would drop them: that throws, and leaves no session behind (ASVS 3.3.5)', async () => {
      const answer = await logInByCookie(stage(), { userId: 'large' })
      expect([answer.summary, answer.cookies]).toEqual(['500 internal', []])
      expect(String(stage().reported.at(-1))).toMatch(
        /TypeError: the cookie __Host-rollcall-access would exceed 4096 bytes/,
      )
      expect(await stage().sessions.list('large')).toEqual([])
      expect((await stage().send({ route: `POST /login?as=${stage().name({ userId: 'large' })}` })).status).toBe(200)
    })

    test('replace a session, which ends; the one of a bearer ends only by a login of the same user (ASVS 7.2.4)', async () => {
      const { clock, sessions } = stage()
      const before = await logInByCookie(stage(), { userId: 'ann' })
      await logInByCookie(stage(), { userId: 'ben' }, cookiesFor('/login', before.cookies))
      expect(await sessions.list('ann')).toEqual([])
      expect(await sessions.list('ben')).toHaveLength(1)
      clock.advance(60_000)
      const [own, foreign] = [await stage().logIn({ userId: 'cleo' }), await stage().logIn({ userId: 'dan' })]
      for (const { accessToken: token } of [own, foreign])
        await stage().send({ route: `POST /login?as=${stage().name({ userId: 'cleo' })}`, token })
      expect((await sessions.list('cleo')).map(({ sid }) => sid)).not.toContain(own.session.sid)
      expect(await sessions.list('cleo')).toHaveLength(2)
      expect(await sessions.list('dan')).toHaveLength(1)
    })

    test('are not given out while the session that they replace can’t be ended, and the new one is gone again', async () => {
      const before = await logInByCookie(stage(), { userId: 'eve' })
      let isFirst = true
      stage().breakStore((method) => {
        if (method !== 'remove' || !isFirst) return
        isFirst = false
        throw new Error('connection lost')
      })
      const answer = await logInByCookie(stage(), { userId: 'eve' }, cookiesFor('/login', before.cookies))
      stage().breakStore()
      expect([answer.summary, answer.cookies]).toEqual(['503 store_unavailable', []])
      await expect
        .poll(async () => (await stage().sessions.list('eve')).map(({ sid }) => sid))
        .toEqual([before.json.session.sid])
    })

    test('are set only as this app has them, whatever a client asks for', async () => {
      for (const odd of [{ mode: 'banana' }, { mode: '__proto__' }, { persistent: 'yes' }, { persistent: null }]) {
        const answer = await logInByCookie(stage(), odd as object)
        expect([answer.summary, answer.cookies]).toEqual(['400 invalid_request', []])
      }
    })

    test('that are stale or forged are replaced all the same', async () => {
      for (const cookies of ['__Host-rollcall-access=forged', '__Host-rollcall-access=a; __Host-rollcall-access=b'])
        expect((await logInByCookie(stage(), {}, cookies)).status).toBe(200)
    })
  })

  describe('the settings of cookies', () => {
    const insecure = stageFor(harness, {
      options: { from: 'cookie', basePath: '/api/session', cookies: { insecure: true, name: 'app' } },
    })
    const elsewhere = stageFor(harness, {
      options: {
        from: 'cookie',
        allowedOrigins: ['https://app.example'],
        cookies: { sameSite: 'none', refreshPath: '/public/auth/refresh' },
      },
    })

    test('let them travel over plain HTTP where that is asked for, without prefixes that would be a lie', async () => {
      const { cookies } = await logInByCookie(insecure())
      expect(cookies.map(({ name, secure, path, httpOnly }) => [name, secure, path, httpOnly])).toEqual([
        ['app-access', undefined, '/', true],
        ['app-refresh', undefined, '/api/session/refresh', true],
        ['app-expiry', undefined, '/', undefined],
      ])
      const answer = await insecure().send({ route: 'GET /guarded', cookies: cookiesFor('/guarded', cookies) })
      expect(answer.status).toBe(200)
    })

    test('let pages of another site use them where that is asked for, at the path that browsers see', async () => {
      const { cookies } = await logInByCookie(elsewhere())
      expect(cookies.map(({ sameSite, path, secure }) => [sameSite, path, secure])).toEqual([
        ['none', '/', true],
        ['none', '/public/auth/refresh', true],
        ['none', '/', true],
      ])
    })

    test('take no header where tokens come by cookie alone', async () => {
      const { accessToken: token } = await elsewhere().logIn()
      expect((await elsewhere().send({ route: 'GET /guarded', token })).summary).toBe('401 token_missing')
    })
  })

  describe('an app whose tokens come by header alone', () => {
    const stage = stageFor(harness)

    test('takes no cookie, and sets none', async () => {
      const { accessToken, refreshToken, userId } = await stage().logIn()
      const cookies = `__Host-rollcall-access=${accessToken}; __Secure-rollcall-refresh=${refreshToken}`
      const calls = [
        { route: 'GET /guarded', cookies },
        { route: 'POST /auth/logout', cookies, headers: samePage },
      ]
      for (const call of calls) expect((await stage().send(call)).summary).toBe('401 token_missing')
      const refresh = await stage().send({ route: 'POST /auth/refresh', cookies, headers: samePage })
      expect(refresh.summary).toBe('401 token_missing')
      const login = await stage().send({ route: `POST /login?as=${stage().name({ userId })}` })
      expect([login.status, login.cookies, login.json.accessToken]).toEqual([200, [], expect.any(String)])
      expect((await logInByCookie(stage(), { userId })).summary).toBe('400 invalid_request')
    })
  })
}
