import { describe, expect, test } from 'vitest'
import { logInByCookie } from './cookies.js'
import { stageFor, type FrameworkHarness } from './harness.js'
import { cookiesFor, samePage, type Answer } from './send.js'

const route = 'POST /auth/logout'

/** What a browser needs to find a cookie again: its name, its path, and that it may touch one of this prefix. */
function places({ cookies }: Answer): unknown[] {
  return cookies.map(({ name, path, secure, httpOnly, sameSite }) => ({ name, path, secure, httpOnly, sameSite }))
}

export function describeLogoutRoutes(harness: FrameworkHarness): void {
  describe(route, () => {
    const stage = stageFor(harness, { options: { from: 'either' } })
    const meets = async (token: string): Promise<string> =>
      (await stage().send({ route: 'GET /guarded', token })).summary

    test('logs this device out alone, as often as it is asked to (ASVS 7.4.1)', async () => {
      const phone = await stage().logIn()
      const laptop = await stage().logIn({ userId: phone.userId })
      for (const _ of ['first', 'second']) {
        const answer = await stage().send({ route, token: phone.accessToken })
        expect([answer.status, answer.text, answer.headers['clear-site-data']]).toEqual([204, '', '"cache", "storage"'])
      }
      expect([await meets(phone.accessToken), await meets(laptop.accessToken)]).toEqual(['401 session_ended', '200'])
    })

    test('takes an expired access token, the refresh token alone, and a spent one', async () => {
      const { clock, sessions } = stage()
      const [late, refresher, spender] = [await stage().logIn(), await stage().logIn(), await stage().logIn()]
      clock.advance(11 * 60_000)
      const { accessToken } = await sessions.refresh(spender.refreshToken)
      expect((await stage().send({ route, token: late.accessToken })).status).toBe(204)
      for (const { refreshToken } of [refresher, spender])
        expect((await stage().send({ route, body: { refreshToken } })).status).toBe(204)
      expect(await meets(accessToken)).toBe('401 session_ended')
      for (const { userId } of [late, refresher, spender]) expect(await sessions.list(userId)).toEqual([])
    })

    test('takes a cookie, also an expired one, and clears exactly those that were set (ASVS 14.3.1)', async () => {
      const login = await logInByCookie(stage())
      stage().clock.advance(11 * 60_000)
      const cookies = cookiesFor('/auth/logout', login.cookies)
      for (const _ of ['first', 'second']) {
        const answer = await stage().send({ route, headers: samePage, cookies })
        expect([answer.status, answer.headers['clear-site-data']]).toEqual([204, '"cache", "storage"'])
        expect(places(answer)).toEqual(places(login))
        expect(answer.cookies.map(({ value, maxAge }) => [value, maxAge])).toEqual(login.cookies.map(() => ['', 0]))
      }
      const refresh = cookiesFor('/auth/refresh', login.cookies)
      const again = await stage().send({ route: 'POST /auth/refresh', headers: samePage, cookies: refresh })
      expect(again.summary).toBe('401 session_ended')
    })

    test('logs nobody out by a forged token', async () => {
      const { accessToken, refreshToken } = await stage().logIn()
      const [forged, forgedRefresh] = [`${accessToken.slice(0, -6)}AAAAAA`, `${refreshToken.slice(0, -6)}AAAAAA`]
      const answers = [
        await stage().send({ route, token: forged }),
        await stage().send({ route, body: { refreshToken: forgedRefresh } }),
      ]
      expect(answers.map(({ summary }) => summary)).toEqual(['401 token_invalid', '401 refresh_token_invalid'])
      for (const { cookies, headers } of answers) expect([cookies, headers['clear-site-data']]).toEqual([[], undefined])
      expect(await meets(accessToken)).toBe('200')
    })

    test('takes a cookie off the browser that is none of ours, since nobody else could, and says so', async () => {
      const login = await logInByCookie(stage())
      const answer = await stage().send({ route, headers: samePage, cookies: '__Host-rollcall-access=forged' })
      expect([answer.summary, places(answer)]).toEqual(['401 token_malformed', places(login)])
      expect(answer.cookies.map(({ maxAge }) => maxAge)).toEqual([0, 0, 0])
      const { refreshToken } = await stage().logIn()
      const at = 'rollcall_rt_'.length + 8
      const odd = refreshToken.slice(0, at) + (refreshToken[at] === 'A' ? 'B' : 'A') + refreshToken.slice(at + 1)
      const cookies = `__Host-rollcall-access=${odd}`
      const unknown = await stage().send({ route, headers: samePage, cookies })
      expect([unknown.summary, unknown.cookies.length]).toEqual(['401 token_malformed', 3])
      expect((await logInByCookie(stage(), {}, cookies)).status).toBe(200)
      const open = { route: 'GET /guarded', cookies: cookiesFor('/guarded', login.cookies) }
      expect((await stage().send(open)).status).toBe(200)
    })

    test('goes by the header where there is one, and leaves cookies to who sent them', async () => {
      const [login, other] = [await logInByCookie(stage()), await stage().logIn()]
      const cookies = cookiesFor('/auth/logout', login.cookies)
      const answer = await stage().send({ route, token: other.accessToken, cookies, headers: samePage })
      expect([answer.status, answer.cookies]).toEqual([204, []])
      expect((await stage().send({ route: 'GET /guarded', cookies })).status).toBe(200)
    })

    test('goes by the token in the body before it goes by a cookie, so that the one that is named ends', async () => {
      const [login, other] = [await logInByCookie(stage()), await stage().logIn()]
      const cookies = cookiesFor('/auth/logout', login.cookies)
      const body = { refreshToken: other.refreshToken }
      const answer = await stage().send({ route, cookies, headers: samePage, body })
      expect([answer.status, answer.cookies]).toEqual([204, []])
      expect(await meets(other.accessToken)).toBe('401 session_ended')
      expect((await stage().send({ route: 'GET /guarded', cookies })).status).toBe(200)
      expect((await stage().send({ route, cookies, headers: samePage, body: {} })).cookies).toHaveLength(3)
      expect((await stage().send({ route: 'GET /guarded', cookies })).summary).toBe('401 session_ended')
    })

    test('says so when there is nothing to go by', async () => {
      expect((await stage().send({ route })).summary).toBe('401 token_missing')
    })

    test('is told with the session that did it as its actor', async () => {
      const [phone, tablet] = [await stage().logIn({ userId: 'fred' }), await stage().logIn({ userId: 'fred' })]
      const actors: (string | null)[] = []
      const off = stage().sessions.on('revoked', ({ userId, actor }) => void (userId === 'fred' && actors.push(actor)))
      const { accessToken: token, session } = phone
      await stage().send({ route: `DELETE /auth/sessions/${tablet.session.sid}`, token })
      await stage().send({ route: 'POST /auth/logout-others', token })
      await stage().send({ route: 'POST /auth/logout-everywhere', token })
      off()
      expect(actors).toEqual([session.sid, session.sid, session.sid])
    })

    test('logout-others ends the others, keeps this one, and refuses logins checked before (ASVS 7.4.3)', async () => {
      const phone = await stage().logIn()
      const before = await stage().sessions.tokenVersion(phone.userId)
      const laptop = await stage().logIn({ userId: phone.userId })
      const answer = await stage().send({ route: 'POST /auth/logout-others', token: phone.accessToken })
      expect([answer.status, answer.json]).toEqual([200, { revoked: 1 }])
      expect([await meets(phone.accessToken), await meets(laptop.accessToken)]).toEqual(['200', '401 session_ended'])
      const name = stage().name({ userId: phone.userId, expectedTokenVersion: before })
      expect((await stage().send({ route: `POST /login?as=${name}` })).summary).toBe('409 token_version_moved')
    })

    test('logout-everywhere ends all, this one among them (ASVS 7.4.1, 7.5.2)', async () => {
      const login = await logInByCookie(stage(), { userId: 'everywhere' })
      const phone = await stage().logIn({ userId: 'everywhere' })
      const cookies = cookiesFor('/', login.cookies)
      const answer = await stage().send({ route: 'POST /auth/logout-everywhere', headers: samePage, cookies })
      expect([answer.status, answer.json, places(answer)]).toEqual([200, { revoked: 2 }, places(login)])
      expect([
        await meets(phone.accessToken),
        (await stage().send({ route: 'GET /guarded', cookies })).summary,
      ]).toEqual(['401 session_ended', '401 session_ended'])
      const again = await stage().send({ route: 'POST /auth/logout-everywhere', token: phone.accessToken })
      expect([again.summary, again.headers['clear-site-data']]).toEqual(['401 session_ended', undefined])
    })
  })

  describe(`${route} where tokens come by cookie alone`, () => {
    const stage = stageFor(harness, { options: { from: 'cookie', clearSiteData: [] } })

    test('is done when there is no cookie: this browser has no other token', async () => {
      const answer = await stage().send({ route, headers: samePage })
      expect([answer.status, answer.cookies.length, answer.headers['clear-site-data']]).toEqual([204, 3, undefined])
    })

    test('takes no token from a body', async () => {
      const { refreshToken, accessToken: token } = await stage().logIn()
      await stage().send({ route, headers: samePage, body: { refreshToken } })
      expect(await stage().sessions.verify(token)).toMatchObject({ source: 'store' })
    })
  })
}
