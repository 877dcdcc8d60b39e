import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { cookiesFor, samePage, send, type Answer, type Call } from '../conformance/http/send.js'
import { packInto, type Place, type RunningApp } from './open-consumer.js'

const login = { email: 'a@b.c', password: 'right' }

let place: Place
beforeAll(async () => {
  place = await packInto()
})
afterAll(() => place.remove())

/** Apps that were written from README.md and docs/ alone, by who had not read the sources. */
describe.each(['hono', 'express', 'fastify'])('an app on %s, on the package as it is packed', (framework) => {
  let app: RunningApp
  beforeAll(async () => {
    app = await place.start(framework)
  })
  afterAll(async () => {
    expect(await app.stop()).toBe(0)
    expect(app.output()).toBe(`listening on ${app.url}\n`)
  })
  const call = (route: string, rest: Omit<Call, 'route'> = {}): Promise<Answer> => send(app.url, { route, ...rest })

  test('by header: logs in, guards, refreshes, lists, renames and logs out', async () => {
    expect((await call('POST /login', { body: { ...login, password: 'wrong' } })).summary).toBe('401 wrong_password')
    const [phone, laptop, tablet] = await Promise.all(
      [1, 2, 3].map(async () => (await call('POST /login', { body: login })).json),
    )
    const me = await call('GET /me', { token: phone.accessToken })
    expect(me.json).toEqual({ userId: '42', sid: phone.session.sid, role: 'member', from: 'bearer' })
    expect((await call('GET /me')).summary).toBe('401 token_missing')
    expect((await call('GET /me', { token: `${phone.accessToken}x` })).status).toBe(401)
    const refreshed = await call('POST /auth/refresh', { body: { refreshToken: phone.refreshToken } })
    expect(refreshed.json).toMatchObject({ outcome: 'unchanged', refreshToken: phone.refreshToken })
    expect((await call('POST /password', { token: phone.accessToken })).json).toEqual({ done: true })
    expect((await call('GET /hello')).json).toEqual({ hello: 'stranger' })
    expect((await call('GET /hello', { token: phone.accessToken })).json).toEqual({ hello: '42' })
    expect((await call('GET /hello', { token: 'x' })).status).toBe(401)
    expect((await call('GET /critical', { token: phone.accessToken })).json).toEqual({ source: 'store' })

    const { token } = { token: phone.accessToken as string }
    const name = { name: 'my phone' }
    expect((await call(`PATCH /auth/sessions/${phone.session.sid}`, { token, body: name })).status).toBe(204)
    const { sessions } = (await call('GET /auth/sessions', { token })).json
    expect(sessions).toHaveLength(3)
    expect(sessions.find(({ current }: { current: boolean }) => current).device.name).toBe('my phone')
    expect((await call(`DELETE /auth/sessions/${laptop.session.sid}`, { token })).status).toBe(204)
    expect((await call('GET /me', { token: laptop.accessToken })).summary).toBe('401 session_ended')
    expect((await call('POST /auth/logout-others', { token })).json).toEqual({ revoked: 1 })
    expect((await call('GET /me', { token: tablet.accessToken })).summary).toBe('401 session_ended')
    expect((await call('POST /auth/logout-everywhere', { token })).json).toEqual({ revoked: 1 })
    expect((await call('GET /me', { token })).summary).toBe('401 session_ended')
  })

  test('by cookie: logs in, guards, refreshes and logs out, and lets no other site do any of it', async () => {
    const body = { ...login, mode: 'cookie' }
    expect((await call('POST /login', { body })).summary).toBe('403 cross_site_request')
    const answer = await call('POST /login', { body: { ...body, remember: true }, headers: samePage })
    expect(answer.cookies.map(({ maxAge }) => maxAge! > 0)).toEqual([true, true, true])
    expect(answer.json).not.toHaveProperty('accessToken')
    const cookies = cookiesFor('/', answer.cookies)
    expect((await call('GET /me', { cookies })).json).toMatchObject({ userId: '42', from: 'cookie' })
    expect((await call('POST /notes', { cookies })).summary).toBe('403 cross_site_request')
    expect((await call('POST /notes', { cookies, headers: samePage })).json).toEqual({ owner: '42' })
    const refresh = { cookies: cookiesFor('/auth/refresh', answer.cookies), headers: samePage }
    const refreshed = await call('POST /auth/refresh', refresh)
    // The refresh token is the one that the browser has: it is younger than the grace.
    expect([refreshed.json.outcome, refreshed.cookies.length]).toEqual(['unchanged', 2])
    expect((await call('POST /auth/logout', { cookies, headers: samePage })).status).toBe(204)
    expect((await call('GET /me', { cookies })).summary).toBe('401 session_ended')
  })
})
