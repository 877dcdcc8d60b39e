import { expect, test } from 'vitest'
import type { SetCookie } from 'cookie'
import { cookiesFor, samePage, send, type Answer } from '../conformance/http/send.js'
import { describeDemo } from './open-app.js'

const names = ['__Host-rollcall-access', '__Secure-rollcall-refresh', '__Host-rollcall-expiry']

describeDemo((app) => {
  const post = (path: string, cookies: readonly SetCookie[]): Promise<Answer> =>
    send(app.url, { route: `POST ${path}`, headers: samePage, cookies: cookiesFor(path, cookies) })
  const get = (path: string, cookies: readonly SetCookie[]): Promise<Answer> =>
    send(app.url, { route: `GET ${path}`, cookies: cookiesFor(path, cookies) })
  const logIn = (options: object = {}, headers = samePage): Promise<Answer> => {
    const body = { username: 'alice', password: 'wonderland', device: { name: 'tab' }, mode: 'cookie', ...options }
    return send(app.url, { route: 'POST /login', headers, body })
  }

  test('a login into cookies sets three, and has no token in its body', async () => {
    const { status, json, text, cookies, headers } = await logIn()
    expect(status).toBe(200)
    expect(json.session).toMatchObject({ device: { name: 'tab' }, amr: ['pwd'] })
    expect([json.accessToken, json.refreshToken]).toEqual([undefined, undefined])
    expect(cookies.map(({ name }) => name)).toEqual(names)
    for (const { value } of cookies) expect(text).not.toContain(value)
    for (const { secure, maxAge } of cookies) expect([secure, maxAge]).toEqual([true, 30 * 86_400])
    expect(headers['cache-control']).toBe('no-store')
  })

  test('these end with the browser when they are not to persist', async () => {
    const { cookies } = await logIn({ persistent: false })
    expect(cookies.map(({ maxAge }) => maxAge)).toEqual([undefined, undefined, undefined])
  })

  test('GET /api/me and the list of devices take the cookie', async () => {
    const { cookies, json } = await logIn()
    expect((await get('/api/me', cookies)).json).toMatchObject({ userId: 'alice', sid: json.session.sid })
    const { sessions } = (await get('/auth/sessions', cookies)).json
    expect(sessions).toEqual([expect.objectContaining({ sid: json.session.sid, current: true })])
  })

  test('a refresh by cookie answers with the next cookies alone', async () => {
    const { cookies, json } = await logIn()
    app.clock.advance(31_000)
    const refreshed = await post('/auth/refresh', cookies)
    expect(refreshed.json).toMatchObject({ outcome: 'rotated', session: { sid: json.session.sid } })
    expect([refreshed.json.accessToken, refreshed.json.refreshToken]).toEqual([undefined, undefined])
    expect(refreshed.cookies.map(({ name }) => name)).toEqual(names)
    expect(refreshed.cookies.map(({ value }) => value)).not.toEqual(cookies.map(({ value }) => value))
    expect((await get('/api/me', refreshed.cookies)).status).toBe(200)
  })

  test('a logout clears the cookies and ends the session', async () => {
    const { cookies } = await logIn()
    const { status, cookies: cleared, headers } = await post('/auth/logout', cookies)
    expect([status, cleared.map(({ name, value, maxAge }) => [name, value, maxAge])]).toEqual([
      204,
      names.map((name) => [name, '', 0]),
    ])
    expect(headers['clear-site-data']).toBe('"cache", "storage"')
    expect((await get('/api/me', cookies)).summary).toBe('401 session_ended')
  })

  test("another site's page logs nobody in, and nobody out", async () => {
    const foreign = [['Sec-Fetch-Site', 'cross-site']] as const
    const refused = await logIn({}, foreign)
    expect([refused.summary, refused.cookies]).toEqual(['403 cross_site_request', []])
    expect(await app.sessions.list('alice')).toEqual([])
    const { cookies } = await logIn()
    const route = 'POST /auth/logout'
    const answer = await send(app.url, { route, headers: foreign, cookies: cookiesFor('/auth/logout', cookies) })
    expect([answer.summary, answer.cookies]).toEqual(['403 cross_site_request', []])
    expect((await get('/api/me', cookies)).status).toBe(200)
  })
})
