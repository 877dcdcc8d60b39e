import { connect } from 'node:net'
import { once } from 'node:events'
import { describe, expect, test } from 'vitest'
import { stageFor, type FrameworkHarness } from './harness.js'
import { samePage } from './send.js'

const methods: Readonly<Record<string, string>> = {
  refresh: 'POST',
  session: 'GET',
  events: 'GET',
  sessions: 'GET',
  'sessions/some': 'PATCH, DELETE',
  logout: 'POST',
  'logout-others': 'POST',
  'logout-everywhere': 'POST',
  'jwks.json': 'GET',
}

export function describeRequests(harness: FrameworkHarness): void {
  describe('a request that is malformed', () => {
    const stage = stageFor(harness, { options: { from: 'either' } })

    test.each(Object.entries(methods))('/auth/%s has %s alone, and says so', async (path, allowed) => {
      for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'].filter(
        (name) => !allowed.includes(name),
      )) {
        const answer = await stage().send({ route: `${method} /auth/${path}` })
        expect([answer.summary, answer.headers['allow']]).toEqual(['405 method_not_allowed', allowed])
        expect(answer.headers['cache-control']).toBe('no-store')
      }
    })

    test('no cache keeps an answer, whatever it is (ASVS 14.3.2)', async () => {
      const { accessToken: token } = await stage().logIn()
      const routes = Object.entries(methods).flatMap(([path, allowed]) =>
        allowed.split(', ').map((method) => `${method} /auth/${path}`),
      )
      for (const route of routes.filter((route) => !/jwks.json|events/.test(route))) {
        for (const call of [{ route }, { route, token }]) {
          const { headers } = await stage().send(call)
          expect([route, headers['cache-control'], headers['vary']]).toEqual([
            route,
            'no-store',
            'Authorization, Cookie, Origin, Sec-Fetch-Site',
          ])
        }
      }
    })

    test('HEAD is GET without the body', async () => {
      const { accessToken: token } = await stage().logIn()
      const answer = await stage().send({ route: 'HEAD /auth/session', token })
      expect([answer.status, answer.text, answer.headers['content-type']]).toEqual([200, '', 'application/json'])
      expect((await stage().send({ route: 'HEAD /auth/session' })).status).toBe(401)
    })

    test('no other path is a route', async () => {
      const { accessToken: token } = await stage().logIn()
      for (const path of [
        '/auth/',
        '/auth/unknown',
        '/auth/sessions/',
        '/auth/sessions/a/b',
        '/auth/refresh/',
        '/auth//session',
        '/auth/%73ession',
        '/auth/SESSION',
        '/auth/__proto__',
        '/auth/*',
        '/auth/sessions/*',
      ])
        expect([path, (await stage().send({ route: `GET ${path}`, token })).status]).toEqual([
          path,
          path === '/auth/sessions/*' ? 405 : 404,
        ])
    })

    test.each([
      ['no body', undefined, '401 token_missing'],
      ['malformed JSON', '{"refreshToken":', '400 invalid_request'],
      ['a list', '[]', '400 invalid_request'],
      ['null', 'null', '400 invalid_request'],
      ['no token', '{}', '400 invalid_request'],
      ['a number', '{"refreshToken":1}', '400 invalid_request'],
      ['a list with a token', '{"refreshToken":["x"]}', '400 invalid_request'],
      ['an empty text', '{"refreshToken":""}', '401 refresh_token_invalid'],
      ['a NUL and half a surrogate pair', String.raw`{"refreshToken":"x\u0000\ud800"}`, '401 refresh_token_invalid'],
      ['exactly 16 KB', `{"refreshToken":"${'x'.repeat(16_384 - 19)}"}`, '401 refresh_token_invalid'],
      ['a byte more', `{"refreshToken":"${'x'.repeat(16_384 - 18)}"}`, '413 request_too_large'],
      ['two megabytes', `{"refreshToken":"${'x'.repeat(2_000_000)}"}`, '413 request_too_large'],
    ])('a refresh with %s is refused, and nobody is told of it', async (_, body, summary) => {
      const headers = [['Content-Type', 'application/json']] as const
      const answer = await stage().send({ route: 'POST /auth/refresh', headers, body })
      expect([answer.summary, answer.headers['cache-control']]).toEqual([summary, 'no-store'])
      expect(stage().reported).toEqual([])
    })

    test.each([
      'text/plain',
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=x',
      'application/jsonp',
      '',
    ])('a body of the type %j is none of JSON', async (type) => {
      const { accessToken: token, refreshToken, session } = await stage().logIn()
      const headers = type === '' ? [] : ([['Content-Type', type]] as const)
      const body = JSON.stringify({ refreshToken, name: 'x' })
      for (const call of [
        { route: 'POST /auth/refresh' },
        { route: 'POST /auth/logout' },
        { route: `PATCH /auth/sessions/${session.sid}`, token },
      ])
        expect((await stage().send({ ...call, headers, body })).summary).toBe('415 unsupported_media_type')
      expect((await stage().send({ route: 'GET /guarded', token })).status).toBe(200)
    })

    test('a name that is none is refused', async () => {
      const { accessToken: token, session } = await stage().logIn()
      for (const body of ['{}', '{"name":1}', '{"name":null}', '[]', '{'])
        expect(
          (
            await stage().send({
              route: `PATCH /auth/sessions/${session.sid}`,
              token,
              headers: [['Content-Type', 'application/json']],
              body,
            })
          ).summary,
        ).toBe('400 invalid_request')
    })

    /** What is answered to these bytes, while the connection stays open. */
    async function exchange(head: readonly string[], body: Uint8Array): Promise<string> {
      const { hostname, port } = new URL(stage().url)
      const socket = connect(Number(port), hostname)
      socket.write(
        `POST /auth/refresh HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n${head.join('\r\n')}\r\n\r\n`,
      )
      socket.write(body)
      let text = ''
      for await (const chunk of socket) {
        text += String(chunk)
        if (text.includes('"message"')) break
      }
      return `${text.slice(9, 12)} ${/"code":"(\w+)"/.exec(text)?.[1]}`
    }

    test('a body that says it is too large is not waited for, and one that is no UTF-8 is refused', async () => {
      const text = new TextEncoder().encode('{"refreshToken":"')
      expect(await exchange(['Content-Length: 999999'], text)).toBe('413 request_too_large')
      const bytes = Uint8Array.of(...text, 0xc3, 0x28, 0x22, 0x7d)
      expect(await exchange([`Content-Length: ${bytes.length}`], bytes)).toBe('400 invalid_request')
      const chunk = `5000\r\n${'x'.repeat(0x5000)}\r\n`
      const chunks = new TextEncoder().encode(chunk)
      expect(await exchange(['Transfer-Encoding: chunked'], chunks)).toBe('413 request_too_large')
    })

    test('a client that hangs up within its body is no error of the server', async () => {
      const { hostname, port } = new URL(stage().url)
      const { accessToken: token } = await stage().logIn()
      const socket = connect(Number(port), hostname)
      const head = ['POST /auth/refresh HTTP/1.1', 'Host: x', 'Content-Type: application/json', 'Content-Length: 100']
      socket.write(`${head.join('\r\n')}\r\n\r\n{"refreshToken":`, () => socket.resetAndDestroy())
      await once(socket, 'close')
      expect((await stage().send({ route: 'GET /guarded', token })).status).toBe(200)
      expect(stage().reported).toEqual([])
    })
  })

  describe('an app that has parsed the body before', () => {
    const stage = stageFor(harness, {
      options: { from: 'either', clients: { api: { secret: 's'.repeat(32) } } },
      parsesBodies: true,
    })

    test('hands it on: JSON, a form, and no body at all', async () => {
      const { refreshToken, accessToken: token, session } = await stage().logIn()
      const refreshed = await stage().send({ route: 'POST /auth/refresh', body: { refreshToken } })
      expect([refreshed.summary, refreshed.json.outcome]).toEqual(['200', 'unchanged'])
      const renamed = await stage().send({
        route: `PATCH /auth/sessions/${session.sid}`,
        token,
        body: { name: 'Łódź' },
      })
      expect(renamed.status).toBe(204)
      const introspected = await stage().send({
        route: 'POST /auth/introspect',
        headers: [
          ['Authorization', `Basic ${btoa(`api:${'s'.repeat(32)}`)}`],
          ['Content-Type', 'application/x-www-form-urlencoded'],
        ],
        body: `token=${token}&token_type_hint=a%2Bb`,
      })
      expect(introspected.json).toMatchObject({ active: true })
      expect((await stage().send({ route: 'POST /auth/logout', body: {} })).summary).toBe('400 invalid_request')
      expect((await stage().send({ route: 'POST /auth/logout', token, headers: samePage })).status).toBe(204)
    })

    test('is no reason to fail: what is nested too deep to be written is refused', async () => {
      const headers = [['Content-Type', 'application/json']] as const
      const body = '['.repeat(8_000) + ']'.repeat(8_000)
      const answer = await stage().send({ route: 'POST /auth/refresh', headers, body })
      expect(answer.summary).toBe('400 invalid_request')
    })
  })

  describe('routes that are mounted in a router', () => {
    const stage = stageFor(harness, {
      options: { from: 'either', basePath: '/api/v1/auth' },
      mountedAt: '/api/v1',
    })

    test('are found by their whole path', async () => {
      const { refreshToken, accessToken: token } = await stage().logIn()
      const refreshed = await stage().send({ route: 'POST /api/v1/auth/refresh', body: { refreshToken } })
      expect(refreshed.json.outcome).toBe('unchanged')
      expect((await stage().send({ route: 'GET /api/v1/auth/session?x=1', token })).status).toBe(200)
      for (const path of ['/auth/session', '/api/v1/session', '/session'])
        expect((await stage().send({ route: `GET ${path}`, token })).status).toBe(404)
    })
  })

  describe('the process that serves', () => {
    const globals = ['Request', 'Response', 'Headers', 'fetch'] as const
    const before = globals.map((name) => globalThis[name])
    const stage = stageFor(harness)

    test('keeps its own Request and Response', async () => {
      await stage().send({ route: 'GET /auth/session' })
      expect(globals.map((name, at) => globalThis[name] === before[at])).toEqual(globals.map(() => true))
    })
  })
}
