import { describe, expect, test } from 'vitest'
import { logInByCookie } from './cookies.js'
import { refreshGrace, stageFor, type FrameworkHarness } from './harness.js'
import { cookiesFor, samePage, type Answer } from './send.js'

const route = 'POST /auth/refresh'

export function describeRefreshRoute(harness: FrameworkHarness): void {
  describe(route, () => {
    const stage = stageFor(harness, { options: { from: 'either' } })
    const byCookie = (cookies: string): Promise<Answer> => stage().send({ route, headers: samePage, cookies })
    const cookiesOf = (answer: Answer): string => cookiesFor('/auth/refresh', answer.cookies)

    test('swaps the token in a body for the next pair, and notes where the request came from', async () => {
      const { refreshToken, userId } = await stage().logIn({ device: { name: 'phone' } })
      stage().clock.advance(refreshGrace)
      const headers = [['User-Agent', 'curl/9']] as const
      const answer = await stage().send({ route, headers, body: { refreshToken } })
      expect([answer.status, answer.json.outcome, answer.cookies]).toEqual([200, 'rotated', []])
      expect(answer.json.refreshToken).not.toBe(refreshToken)
      expect((await stage().send({ route: 'GET /guarded', token: answer.json.accessToken })).status).toBe(200)
      const [session] = await stage().sessions.list(userId)
      expect(session!.device).toMatchObject({ name: 'phone', userAgent: 'curl/9', ip: '127.0.0.1' })
    })

    test('swaps the cookie for the next cookies', async () => {
      const login = await logInByCookie(stage())
      stage().clock.advance(refreshGrace)
      const answer = await byCookie(cookiesOf(login))
      expect([answer.status, answer.json.outcome]).toEqual([200, 'rotated'])
      expect((await stage().send({ route: 'GET /guarded', cookies: cookiesOf(answer) })).status).toBe(200)
      expect(cookiesOf(answer)).not.toBe(cookiesOf(login))
    })

    test('gives twenty tabs at once the same refresh token, and none of them an end', async () => {
      const login = await logInByCookie(stage())
      stage().clock.advance(refreshGrace)
      const answers = await Promise.all(Array.from({ length: 20 }, () => byCookie(cookiesOf(login))))
      expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200))
      expect(answers.filter(({ json }) => json.outcome === 'rotated')).toHaveLength(1)
      expect(new Set(answers.map(({ cookies }) => cookies[1]!.value)).size).toBe(1)
    })

    test('sets no refresh cookie that the browser has: overtaken by the next one, it would end the session', async () => {
      const first = await logInByCookie(stage())
      stage().clock.advance(refreshGrace - 1)
      const late = await byCookie(cookiesOf(first))
      expect([late.json.outcome, late.cookies.map(({ name }) => name)]).toEqual([
        'unchanged',
        ['__Host-rollcall-access', '__Host-rollcall-expiry'],
      ])
      stage().clock.advance(1)
      const next = await byCookie(cookiesOf(first))
      expect((await stage().send({ route: 'GET /guarded', cookies: cookiesOf(next) })).status).toBe(200)
      // What a browser has that is given the later answer first.
      const jar = new Map([...next.cookies, ...late.cookies].map((cookie) => [cookie.name, cookie]))
      stage().clock.advance(refreshGrace * 2)
      const again = await byCookie(cookiesFor('/auth/refresh', [...jar.values()]))
      expect([again.status, again.json.outcome]).toEqual([200, 'rotated'])
    })

    test('goes by the body where there are both, and answers in the body', async () => {
      const [login, other] = [await logInByCookie(stage()), await stage().logIn()]
      const body = { refreshToken: other.refreshToken }
      const answer = await stage().send({ route, headers: samePage, cookies: cookiesOf(login), body })
      expect([answer.json.session.sid, answer.cookies]).toEqual([other.session.sid, []])
    })

    /** How far the idle lifetime's beginning has moved. */
    async function movedBy(userId: string): Promise<number> {
      const [session] = await stage().sessions.list(userId)
      return session!.lastSeenAt.getTime() - session!.createdAt.getTime()
    }

    test.each([
      [{}, refreshGrace],
      [{ countsAsUse: true }, refreshGrace],
      [{ countsAsUse: false }, 0],
    ])('of %j in the body moves the idle lifetime by %i ms, by either way', async (flag, moved) => {
      const { refreshToken, userId } = await stage().logIn()
      stage().clock.advance(refreshGrace)
      const answer = await stage().send({ route, body: { refreshToken, ...flag } })
      expect([answer.status, answer.json.outcome, await movedBy(userId)]).toEqual([200, 'rotated', moved])

      const login = await logInByCookie(stage(), { userId: `${userId}-by-cookie` })
      stage().clock.advance(refreshGrace)
      const swapped = await stage().send({ route, headers: samePage, cookies: cookiesOf(login), body: flag })
      expect([swapped.status, swapped.json.outcome, swapped.json.refreshToken]).toEqual([200, 'rotated', undefined])
      expect(swapped.cookies.map(({ name }) => name)).toContain('__Secure-rollcall-refresh')
      expect(await movedBy(`${userId}-by-cookie`)).toBe(moved)
    })

    test.each(['"false"', '0', 'null', '[]', '{}'])(
      'of %s for countsAsUse is refused, by either way',
      async (value) => {
        const { refreshToken } = await stage().logIn()
        const login = await logInByCookie(stage())
        stage().clock.advance(refreshGrace)
        const headers = [...samePage, ['Content-Type', 'application/json']] as const
        for (const [cookies, body] of [
          [undefined, `{"refreshToken":"${refreshToken}","countsAsUse":${value}}`],
          [cookiesOf(login), `{"countsAsUse":${value}}`],
        ] as const)
          expect((await stage().send({ route, headers, cookies, body })).summary).toBe('400 invalid_request')
        expect((await stage().send({ route, body: { refreshToken } })).json.outcome).toBe('rotated')
        expect((await byCookie(cookiesOf(login))).json.outcome).toBe('rotated')
      },
    )

    test('by cookie is of the same site, however it counts', async () => {
      const cookies = cookiesOf(await logInByCookie(stage()))
      const headers = [['Sec-Fetch-Site', 'cross-site']] as const
      const answer = await stage().send({ route, headers, cookies, body: { countsAsUse: false } })
      expect(answer.summary).toBe('403 cross_site_request')
    })

    test('of a page whose cookie is gone lacks a token, and is no mistake', async () => {
      const answer = await stage().send({ route, headers: samePage, body: { countsAsUse: false } })
      expect(answer.summary).toBe('401 token_missing')
    })

    test('never touches a cookie when it fails: another tab may just have won', async () => {
      const [spent, ended, suspended, expired] = [
        await logInByCookie(stage()),
        await logInByCookie(stage()),
        await logInByCookie(stage()),
        await logInByCookie(stage(), { lifetime: '1m' }),
      ]
      const { sessions, clock } = stage()
      const idOf = async (login: Answer): Promise<string> =>
        (await stage().send({ route: 'GET /guarded', cookies: cookiesOf(login) })).json.userId as string
      await sessions.revokeAll(await idOf(ended))
      await sessions.suspend(await idOf(suspended))
      clock.advance(refreshGrace)
      const next = await byCookie(cookiesOf(spent))
      expect((await stage().send({ route: 'GET /guarded', cookies: cookiesOf(next) })).status).toBe(200)
      clock.advance(refreshGrace * 2)
      const answers: [string, string][] = [
        [cookiesOf(spent), '401 refresh_token_reused'],
        [cookiesOf(next), '401 session_ended'],
        [cookiesOf(ended), '401 session_ended'],
        [cookiesOf(suspended), '401 user_suspended'],
        [cookiesOf(expired), '401 session_expired'],
        ['__Secure-rollcall-refresh=rollcall_rt_forged', '401 refresh_token_invalid'],
      ]
      for (const [cookies, summary] of answers) {
        const answer = await byCookie(cookies)
        expect([answer.summary, answer.cookies, answer.headers['clear-site-data']]).toEqual([summary, [], undefined])
        expect(answer.headers['www-authenticate']).toBe('Bearer error="invalid_token"')
      }
      expect(stage().reported).toEqual([])
    })

    test('is 503 for a secret that is not here, which nobody is told of', async () => {
      const { refreshToken } = await stage().logIn()
      const at = 'rollcall_rt_'.length + 8
      const unknown = refreshToken.slice(0, at) + (refreshToken[at] === 'A' ? 'B' : 'A') + refreshToken.slice(at + 1)
      const answer = await stage().send({ route, body: { refreshToken: unknown } })
      expect([answer.summary, answer.headers['retry-after']]).toEqual(['503 key_unavailable', '1'])
      expect(stage().reported).toEqual([])
    })
  })

  describe(`${route} without refresh tokens`, () => {
    const stage = stageFor(harness, { options: { from: 'either' }, settings: { refreshToken: undefined } })

    test('is no route, and a login by cookie sets none for it', async () => {
      const login = await logInByCookie(stage(), { userId: 'ann' })
      expect(login.cookies.map(({ name }) => name)).toEqual(['__Host-rollcall-access', '__Host-rollcall-expiry'])
      expect((await byAnything()).summary).toBe('404 not_found')
      const cookies = cookiesFor('/guarded', login.cookies)
      expect((await stage().send({ route: 'GET /guarded', cookies })).status).toBe(200)
    })
    const byAnything = (): Promise<Answer> => stage().send({ route, body: { refreshToken: 'rollcall_rt_x' } })
  })
}
