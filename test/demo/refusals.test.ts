import { describe, expect, test } from 'vitest'
import { send } from '../conformance/http/send.js'
import { codeOf, describeDemo, protectedRoutes } from './open-app.js'

describeDemo((app) => {
  describe('a request with bad credentials', () => {
    test.each(protectedRoutes)('%s challenges without an error when there are none', async (route) => {
      for (const headers of [{}, { authorization: '' }, { authorization: 'Basic YTpi' }]) {
        const response = await app.request(route, { headers })
        expect(response.headers.get('www-authenticate')).toBe('Bearer')
        expect(await codeOf(response)).toBe('401 token_missing')
      }
    })

    test.each(protectedRoutes)('%s answers invalid_token to a token that is none', async (route) => {
      const response = await app.request(route, { token: 'not-a-jwt' })
      expect(response.headers.get('www-authenticate')).toBe('Bearer error="invalid_token"')
      expect(await codeOf(response)).toBe('401 token_malformed')
    })

    test.each([
      [
        'two headers',
        [
          ['authorization', 'Bearer a.b.c'],
          ['authorization', 'Bearer d.e.f'],
        ],
      ],
      [
        'a second header of another scheme',
        [
          ['authorization', 'Basic YTpi'],
          ['authorization', 'Bearer d.e.f'],
        ],
      ],
      ['no token', [['authorization', 'Bearer']]],
      ['two tokens', [['authorization', 'Bearer a.b.c d.e.f']]],
      ['quotes', [['authorization', 'Bearer "a.b.c"']]],
    ] satisfies [string, [string, string][]][])('%s are an invalid request', async (_, headers) => {
      const response = await app.request('GET /api/me', { headers })
      expect(response.headers.get('www-authenticate')).toBe('Bearer error="invalid_request"')
      expect(await codeOf(response)).toBe('400 invalid_request')
    })

    test('the scheme counts in any case', async () => {
      const { accessToken } = await app.logIn()
      for (const scheme of ['bearer', 'BEARER', 'Bearer ']) {
        expect(
          (await app.request('GET /api/me', { headers: { authorization: `${scheme} ${accessToken}` } })).status,
        ).toBe(200)
      }
    })

    test('an ended session, an expired one and an expired access token are told apart by their code', async () => {
      const [ended, expired] = [await app.logIn(), await app.logIn()]
      await app.request('POST /auth/logout', { token: ended.accessToken })
      expect(await codeOf(await app.request('GET /api/me', { token: ended.accessToken }))).toBe('401 session_ended')
      app.clock.advance(400 * 24 * 3_600_000)
      expect(await codeOf(await app.request('GET /api/me', { token: expired.accessToken }))).toBe('401 token_expired')
      const body = { refreshToken: expired.refreshToken }
      expect(await codeOf(await app.request('POST /auth/refresh', { body }))).toBe('401 session_expired')
    })

    test('no answer repeats the token', async () => {
      const { accessToken } = await app.logIn()
      await app.request('POST /auth/logout', { token: accessToken })
      const text = await (await app.request('GET /api/me', { token: accessToken })).text()
      expect(JSON.parse(text)).toEqual({ code: 'session_ended', message: expect.any(String) })
      expect(text).not.toContain(accessToken.slice(0, 20))
    })
  })

  describe('a bad body', () => {
    const good = { username: 'alice', password: 'wonderland' }

    test.each([
      ['none', undefined],
      ['malformed JSON', '{"username":'],
      ['an array', '[]'],
      ['null', 'null'],
      ['no password', { username: 'alice' }],
      ['a number for the username', { ...good, username: 1 }],
      ['a list for the password', { ...good, password: ['wonderland'] }],
      ['a text for the device', { ...good, device: 'phone' }],
      ['null for the device', { ...good, device: null }],
      ['a list for the device', { ...good, device: [] }],
      ['an unknown mode', { ...good, mode: 'header' }],
      ['a text for persistent', { ...good, persistent: 'yes' }],
      ['a number for its name', { ...good, device: { name: 1 } }],
    ])('%s is a 400', async (_, body) => {
      expect(await codeOf(await app.request('POST /login', { body }))).toBe('400 invalid_request')
    })

    test.each([undefined, 'text/plain', 'application/x-www-form-urlencoded', 'application/jsonp'])(
      'one of the type %s is a 415',
      async (type) => {
        const body = new TextEncoder().encode(JSON.stringify(good))
        const headers = type === undefined ? undefined : { 'content-type': type }
        const response = await fetch(`${app.url}/login`, { method: 'POST', body, ...(headers && { headers }) })
        expect(await codeOf(response)).toBe('415 unsupported_media_type')
      },
    )

    test('more than 16 KB is a 413, exactly 16 KB is read', async () => {
      const padded = (size: number): string => JSON.stringify(good).padEnd(size, ' ')
      expect((await app.request('POST /login', { body: padded(16_384) })).status).toBe(200)
      expect(await codeOf(await app.request('POST /login', { body: padded(16_385) }))).toBe('413 request_too_large')
    })

    test('a length of more than 16 KB is a 413 before the body has come', async (context) => {
      if (app.framework === 'express') context.skip('Express reads what it refuses to its end, and answers then')
      const headers = [['Content-Length', '999999999']] as const
      const { summary } = await send(app.url, { route: 'POST /login', headers, body: good })
      expect(summary).toBe('413 request_too_large')
    })
  })
})
