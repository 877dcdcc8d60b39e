import { expect, test } from 'vitest'
import { codeOf, describeDemo, protectedRoutes, readBody, type LoggedIn } from './open-app.js'

describeDemo((app) => {
  const answers = async ({ accessToken: token, refreshToken }: LoggedIn): Promise<Response[]> =>
    Promise.all([
      app.request('POST /auth/refresh', { body: { refreshToken } }),
      app.request('POST /auth/logout', { body: { refreshToken } }),
      app.request('GET /healthz'),
      app.request('POST /login', { body: { username: 'alice', password: 'guess' } }),
      app.request('POST /login', { body: { username: 'alice', password: 'wonderland' } }),
      ...protectedRoutes.map((route) =>
        app.request(route, { token, body: route.startsWith('PATCH') ? { name: 'x' } : undefined }),
      ),
    ])

  test.each(['fails', 'never answers'])(
    'a store that %s is a 503 to be tried again, and never a 401',
    async (fault) => {
      const phone = await app.logIn()
      const whole = { ...app.store }
      const broken =
        fault === 'fails' ? () => Promise.reject(new Error('connection lost')) : () => new Promise(() => {})
      for (const method of Object.keys(app.store)) Object.assign(app.store, { [method]: broken })
      for (const response of await answers(phone)) {
        expect(response.headers.get('retry-after')).toBe('1')
        expect(response.headers.has('www-authenticate')).toBe(false)
        expect(await codeOf(response)).toBe('503 store_unavailable')
      }
      expect(app.reported).toHaveLength(protectedRoutes.length + 5)

      Object.assign(app.store, whole)
      for (const response of await answers(phone)) expect(response.status).not.toBe(503)
    },
  )

  test('an unknown error is a 500 that leaks nothing and is reported', async () => {
    const { accessToken } = await app.logIn()
    const error = new Error('the secret of the house')
    app.sessions.list = () => Promise.reject(error)
    const response = await app.request('GET /auth/sessions', { token: accessToken })
    expect(response.status).toBe(500)
    const body = await readBody(response)
    expect(body.code).toBe('internal')
    expect(JSON.stringify(body)).not.toContain('secret')
    expect(app.reported).toEqual([error])
  })
})
