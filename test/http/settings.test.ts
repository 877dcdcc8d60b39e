import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { fetchAuth, type GuardOptions, type HttpOptions } from '../../src/http/index.js'
import type { Sessions } from '../../src/sessions.js'
import { openSessions } from './open.js'

let sessions: Sessions<{ role: string }>
beforeAll(async () => {
  sessions = await openSessions()
})

const secret = 's'.repeat(32)

describe('the HTTP options', () => {
  test.each<[string, unknown]>([
    ['something unknown', { form: 'bearer' }],
    ['a list', []],
    ['another source', { from: 'query' }],
    ['a path without a slash', { basePath: 'auth' }],
    ['a path with one at its end', { basePath: '/auth/' }],
    ['the root', { basePath: '/' }],
    ['an encoded path', { basePath: '/%61uth' }],
    ['a path that leaves the header', { basePath: '/auth; Domain=evil.example' }],
    ['a path with a line break', { basePath: '/auth\r\nSet-Cookie: x=y' }],
    ['unknown cookie settings', { cookies: { domain: 'example.com' } }],
    ['a cookie name with a prefix of browsers', { cookies: { name: '__Host-x;' } }],
    ['a cookie path that is none', { cookies: { refreshPath: 'https://evil.example' } }],
    ['another SameSite', { cookies: { sameSite: 'None' } }],
    ['SameSite none without origins', { cookies: { sameSite: 'none' } }],
    [
      'SameSite none over plain HTTP',
      { cookies: { sameSite: 'none', insecure: true }, allowedOrigins: ['https://a.example'] },
    ],
    ['a text for insecure', { cookies: { insecure: 'false' } }],
    ['an origin with a path', { allowedOrigins: ['https://a.example/'] }],
    ['an origin that is no list', { allowedOrigins: 'https://a.example' }],
    ['null', null],
    ['data that is no list', { clearSiteData: 'cache' }],
    ['every origin', { allowedOrigins: ['*'] }],
    ['no origin', { allowedOrigins: ['null'] }],
    ['a text for allowForms', { allowForms: 'yes' }],
    ['an unknown step up', { revokeOthers: { maxAge: '5m' } }],
    ['a recent login of no time', { revokeOthers: { requireRecentLogin: 0 } }],
    ['a class that leaves the header', { revokeOthers: { acr: 'a", error="none' } }],
    ['unknown data to clear', { clearSiteData: ['*'] }],
    ['a short secret', { clients: { api: { secret: 's'.repeat(31) } } }],
    ['a secret that needs encoding', { clients: { api: { secret: `${secret}+/` } } }],
    ['no secret', { clients: { api: {} } }],
    ['an id with a colon', { clients: { 'a:b': { secret } } }],
    ['keys that are none', { keys: {} }],
    ['a report that is no function', { report: 'console' }],
  ])('are refused with %s', (_, options) => {
    expect(() => fetchAuth(sessions, options as HttpOptions)).toThrow(TypeError)
  })

  test('are refused without sessions', () => {
    expect(() => fetchAuth(undefined as unknown as Sessions)).toThrow('sessions must be what createSessions returned')
  })

  test.each<[string, unknown]>([
    ['something unknown', { maxAge: '5m' }],
    ['a text for optional', { optional: 'yes' }],
    ['a duration that is none', { maxStaleness: '5 minutes' }],
    ['a recent login of no time', { requireRecentLogin: '0s' }],
    ['no class', { acr: [] }],
    ['no audience', { audience: '' }],
  ])('of a guard are refused with %s, when the route is made', (_, options) => {
    expect(() => fetchAuth(sessions).guard(options as GuardOptions)).toThrow(TypeError)
  })

  test('tell of errors on the console where nobody else is told, and of no refusal', async () => {
    const error = vi.spyOn(console, 'error').mockImplementation(() => {})
    const closed = await openSessions()
    await closed.close()
    const auth = fetchAuth(closed)
    const headers = { authorization: 'Bearer a.b.c' }
    expect((await auth.routes(new Request('https://api.example/auth/session'))).status).toBe(401)
    expect(error).not.toHaveBeenCalled()
    expect((await auth.routes(new Request('https://api.example/auth/session', { headers }))).status).toBe(500)
    expect(error.mock.calls).toEqual([['rollcall:', expect.any(TypeError)]])
    error.mockRestore()
  })

  test('of a guard that was itself given to a route are no options, and it says so', () => {
    const { guard } = fetchAuth(sessions)
    expect(() => guard(new Request('https://api.example') as unknown as GuardOptions)).toThrow(
      'auth.guard(), not auth.guard',
    )
  })

  describe('for plain HTTP', () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
    afterEach(() => warn.mockClear())

    test('warn of themselves, once for each making, and of nothing else', () => {
      fetchAuth(sessions, { from: 'cookie' })
      expect(warn).not.toHaveBeenCalled()
      fetchAuth(sessions, { from: 'cookie', cookies: { insecure: true } })
      expect(warn).toHaveBeenCalledOnce()
      expect(warn.mock.calls[0]![0]).toMatch(/^rollcall: cookies\.insecure .* plain HTTP/)
    })
  })
})
