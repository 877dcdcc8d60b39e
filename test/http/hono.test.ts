import { Hono } from 'hono'
import { setCookie } from 'hono/cookie'
import { cors } from 'hono/cors'
import { HTTPException } from 'hono/http-exception'
import { describe, expect, test } from 'vitest'
import { honoAuth } from '../../adapters/hono/index.js'
import { describeFramework } from '../conformance/http/index.js'
import { openSessions } from './open.js'
import { honoHarness } from './serve-hono.js'

describeFramework('hono', honoHarness)

describe('honoAuth', () => {
  // Hono took the cookies of a login for those that were set before, once hono/cors had touched the response.
  test('leaves what other middleware has set, cookies and Vary too, and works without a socket', async () => {
    const auth = honoAuth(await openSessions(), { from: 'either' })
    const app = new Hono()
    app.use(cors({ origin: 'https://app.example', credentials: true, exposeHeaders: ['WWW-Authenticate'] }))
    app.use(async (c, next) => {
      c.header('X-Request-Id', '7')
      c.header('Vary', 'Accept-Encoding')
      setCookie(c, 'theme', 'dark')
      await next()
    })
    app.use(auth.routes)
    app.get('/me', auth.guard(), (c) => c.json(c.get('auth').claims.role))
    app.post('/login', (c) => auth.logIn(c, { userId: 'ann', mode: 'cookie' }))
    const headers = { origin: 'https://app.example', 'sec-fetch-site': 'same-origin', 'x-requested-with': 'fetch' }
    for (const path of ['/me', '/auth/session']) {
      const response = await app.request(path, { headers })
      expect([response.status, response.headers.get('access-control-allow-origin')]).toEqual([
        401,
        'https://app.example',
      ])
      expect(response.headers.get('access-control-expose-headers')).toBe('WWW-Authenticate')
      expect([response.headers.get('x-request-id'), response.headers.get('www-authenticate')]).toEqual(['7', 'Bearer'])
      expect(response.headers.get('vary')).toMatch(/^Accept-Encoding, Authorization, Cookie, Origin, Sec-Fetch-Site/)
    }
    const login = await app.request('/login', { method: 'POST', headers })
    const cookies = login.headers.getSetCookie().map((line) => line.split(';', 1)[0]!)
    expect(cookies.map((cookie) => cookie.split('=', 1)[0])).toEqual([
      'theme',
      '__Host-rollcall-access',
      '__Secure-rollcall-refresh',
      '__Host-rollcall-expiry',
    ])
    const cookie = cookies.join('; ')
    expect(await (await app.request('/me', { headers: { ...headers, cookie } })).json()).toBe('member')
  })

  test('sends its own cookies and headers, whatever other middleware has set on c.res', async () => {
    const auth = honoAuth(await openSessions(), { from: 'either' })
    const app = new Hono()
    app.use(cors({ origin: 'https://app.example', credentials: true }))
    app.use(async (c, next) => {
      setCookie(c, 'theme', 'dark')
      c.header('Cache-Control', 'public, max-age=60')
      c.header('Vary', 'Accept-Language')
      await next()
    })
    app.use(auth.routes)
    app.get('/me', auth.guard(), (c) => c.json(c.get('auth').claims.role))
    app.post('/login', (c) => auth.logIn(c, { userId: 'ann', mode: 'cookie' }))
    const names = ['theme', '__Host-rollcall-access', '__Secure-rollcall-refresh', '__Host-rollcall-expiry']
    for (const [method, path, expected] of [
      ['POST', '/login', names],
      ['POST', '/auth/logout', names],
      ['GET', '/me', ['theme']],
    ] as const) {
      const headers = {
        'sec-fetch-site': 'same-origin',
        'x-requested-with': 'fetch',
        ...(path === '/auth/logout' && { cookie: '__Host-rollcall-access=x' }),
      }
      const response = await app.request(path, { method, headers })
      expect(response.headers.getSetCookie().map((line) => line.split('=', 1)[0])).toEqual(expected)
      expect(response.headers.get('cache-control')).toBe('no-store')
      expect(response.headers.get('vary')).toMatch(/^Accept-Language, Authorization, Cookie, Origin, Sec-Fetch-Site/)
    }
  })

  test('answers an HTTPException as it wants to be, and reports what nobody expected', async () => {
    const reported: unknown[] = []
    const auth = honoAuth(await openSessions(), { report: (error) => void reported.push(error) })
    const app = new Hono()
    app.onError(auth.onError)
    app.get('/tea', (c) => {
      c.header('X-Request-Id', '7')
      throw new HTTPException(418, { message: 'tea' })
    })
    app.get('/boom', () => {
      throw new Error('a secret of the app')
    })
    const tea = await app.request('/tea')
    expect([tea.status, await tea.text(), reported]).toEqual([418, 'tea', []])
    const boom = await app.request('/boom')
    expect([boom.status, await boom.json()]).toEqual([500, { code: 'internal', message: 'Something went wrong here' }])
    expect(reported).toEqual([new Error('a secret of the app')])
  })

  test('leaves it to Hono to say who forgot to return an answer', async () => {
    const sessions = await openSessions()
    const { accessToken } = await sessions.create({ userId: 'ann' })
    const auth = honoAuth(sessions)
    const app = new Hono()
    app.use(auth.routes)
    app.get('/me', auth.guard(), (() => {}) as never)
    let message = ''
    app.onError((error, c) => {
      message = error.message
      return c.text('', 500)
    })
    await app.request('/me', { headers: { authorization: `Bearer ${accessToken}` } })
    expect(message).toMatch(/Did you forget to return a Response/)
  })

  test('refuses what is no way to find an address', async () => {
    const sessions = await openSessions()
    expect(() => honoAuth(sessions, { clientIp: 'x-real-ip' as never })).toThrow('clientIp must be a function')
  })

  test('notes the address that the app names', async () => {
    const sessions = await openSessions()
    const auth = honoAuth(sessions, { clientIp: (c) => c.req.header('x-real-ip') })
    const app = new Hono().post('/login', (c) => auth.logIn(c, { userId: 'ann' }))
    await app.request('/login', { method: 'POST', headers: { 'x-real-ip': '203.0.113.7' } })
    expect((await sessions.list('ann'))[0]!.device.ip).toBe('203.0.113.7')
  })
})
