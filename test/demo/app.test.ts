import { describe, expect, test } from 'vitest'
import { codeOf, describeDemo, readBody } from './open-app.js'

describeDemo((app) => {
  describe('POST /login', () => {
    test('answers both tokens, when they expire, and the session with its device', async () => {
      const response = await app.request('POST /login', {
        headers: { 'user-agent': 'curl/8.0' },
        body: { username: 'alice', password: 'wonderland', device: { name: 'my laptop' } },
      })
      expect(response.status).toBe(200)
      const { accessToken, expiresAt, refreshToken, refreshTokenExpiresAt, session } = await readBody(response)
      expect(session).toMatchObject({
        device: { name: 'my laptop', userAgent: 'curl/8.0', ip: '127.0.0.1' },
        amr: ['pwd'],
      })
      expect(new Date(expiresAt).getTime()).toBeGreaterThan(app.clock.wall())
      expect(refreshToken).toMatch(/^rollcall_rt_/)
      expect(refreshTokenExpiresAt).toBe(session.expiresAt)
      expect(await app.sessions.verify(accessToken)).toMatchObject({ userId: 'alice', sid: session.sid })
    })

    test('needs no device and keeps the session apart from the one before', async () => {
      const body = { username: 'bob', password: 'builder' }
      const sids = [
        (await readBody(await app.request('POST /login', { body }))).session.sid,
        (await readBody(await app.request('POST /login', { body }))).session.sid,
      ]
      expect(new Set(sids).size).toBe(2)
    })

    test('refuses a wrong password and an unknown user alike', async () => {
      for (const username of [
        'alice',
        'mallory',
        'Alice',
        'alice ',
        'nobody',
        '__proto__',
        '',
        'x'.repeat(300),
        'a\0b',
      ]) {
        const response = await app.request('POST /login', { body: { username, password: 'guess' } })
        expect(response.headers.get('www-authenticate')).toBe('Bearer')
        expect(await codeOf(response)).toBe('401 invalid_credentials')
      }
      expect(await app.sessions.list('alice')).toEqual([])
    })

    test('refuses a login whose password was checked before a logout everywhere', async () => {
      const { hasPassword } = app.users.find('alice')
      Object.assign(app.users.find('alice'), {
        async hasPassword(password: string) {
          await app.sessions.revokeAll('alice')
          return hasPassword(password)
        },
      })
      const response = await app.request('POST /login', { body: { username: 'alice', password: 'wonderland' } })
      expect(await codeOf(response)).toBe('409 token_version_moved')
      expect(await app.sessions.list('alice')).toEqual([])
    })

    test('lets no device fail a login, whatever its name and its user agent are', async () => {
      const response = await app.request('POST /login', {
        headers: { 'user-agent': 'x'.repeat(10_000) },
        body: { username: 'alice', password: 'wonderland', device: { name: `a\0b\ud800${'x'.repeat(5_000)}` } },
      })
      expect(response.status).toBe(200)
    })
  })

  describe('the other open routes', () => {
    test('GET /.well-known/jwks.json publishes the public halves of the keys alone', async () => {
      const { keys } = await readBody(await app.request('GET /.well-known/jwks.json'))
      expect(keys).toEqual([expect.objectContaining({ kty: 'OKP', crv: 'Ed25519', alg: 'EdDSA', use: 'sig' })])
      expect(keys[0]).not.toHaveProperty('d')
    })

    test('GET /healthz says that the store answers', async () => {
      const response = await app.request('GET /healthz')
      expect([response.status, await readBody(response)]).toEqual([200, { status: 'ok' }])
    })

    test('the root names every route, and nothing else', async () => {
      const { routes } = (await (await app.request('GET /')).json()) as { routes: string[] }
      expect(routes).toHaveLength(16)
      for (const route of ['POST /login', 'POST /auth/refresh', 'GET /auth/sessions', 'DELETE /auth/sessions/:sid'])
        expect(routes).toContain(route)
      for (const route of routes) expect([404, 405]).not.toContain((await app.request(route)).status)
    })

    test('GET /auth/jwks.json publishes the same keys, and GET /auth/session tells how long the session lasts', async () => {
      const published = await readBody(await app.request('GET /.well-known/jwks.json'))
      expect(await readBody(await app.request('GET /auth/jwks.json'))).toEqual(published)
      const { accessToken, sid } = await app.logIn()
      const session = await readBody(await app.request('GET /auth/session', { token: accessToken }))
      expect(session).toMatchObject({
        userId: 'alice',
        sid,
        amr: ['pwd'],
        now: new Date(app.clock.wall()).toISOString(),
      })
    })

    test('an unknown route is a 404 in JSON', async () => {
      for (const route of [
        'GET /nothing',
        'GET /login',
        'POST /api/me',
        'GET /auth',
        'DELETE /auth/sessions/',
        'GET /%E0%A4%A',
      ]) {
        expect(await codeOf(await app.request(route))).toBe('404 not_found')
      }
    })

    test('a method that a session route lacks is a 405 that names the others', async () => {
      const response = await app.request('PUT /auth/sessions/some', { body: { name: 'x' } })
      expect(response.headers.get('allow')).toBe('PATCH, DELETE')
      expect(await codeOf(response)).toBe('405 method_not_allowed')
    })

    test('nothing under /login, /api and /auth is stored by caches, refusals included', async () => {
      for (const route of [
        'POST /login',
        'GET /api/me',
        'GET /auth/sessions',
        'GET /auth/unknown',
        'POST /auth/logout',
        'POST /auth/refresh',
      ]) {
        expect((await app.request(route)).headers.get('cache-control')).toBe('no-store')
      }
    })
  })
})
