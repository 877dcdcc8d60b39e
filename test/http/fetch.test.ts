import { createServer } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import { describe, expect, test } from 'vitest'
import { fetchAuth, sessionRoutes } from '../../src/http/index.js'
import { memoryStore } from '../../src/memory-store.js'
import type { FrameworkHarness } from '../conformance/http/harness.js'
import { describeFramework } from '../conformance/http/index.js'
import { listen } from './listen.js'
import { openSessions } from './open.js'

/** What a server without a framework makes of the parts. */
const fetchHarness: FrameworkHarness = {
  async serve({ sessions, options, guarded, describe, logIn, throwIt }) {
    const auth = fetchAuth(sessions, options)
    const guards = new Map(
      Object.entries(guarded).map(([path, guard]) => [
        path,
        auth.guard({ ...guard, optional: guard.optional === true } as { optional: true }),
      ]),
    )
    const answer = async (request: Request, ip: string | undefined): Promise<Response> => {
      if (auth.owns(request)) return auth.routes(request, { ip })
      const { pathname, searchParams } = new URL(request.url)
      if (pathname === '/login') return auth.logIn(request, logIn(searchParams.get('as')!), { ip })
      if (pathname === '/throws') return throwIt()
      const guard = guards.get(pathname)
      return guard === undefined ? new Response(null, { status: 404 }) : Response.json(describe(await guard(request)))
    }
    const listener = getRequestListener(
      async (request, { incoming }) => {
        try {
          return await answer(request, incoming.socket?.remoteAddress)
        } catch (error) {
          const response = auth.answerError(error)
          const isOurs = response.status !== 500 || new URL(request.url).pathname === '/guarded'
          return isOurs ? response : new Response('the app’s own answer', { status: 500 })
        }
      },
      { overrideGlobalObjects: false },
    )
    const server = createServer({ maxHeaderSize: 256 * 1_024 }, (request, response) => {
      // A Fetch handler has no say in its connection.
      if (request.url?.endsWith('/events')) response.shouldKeepAlive = false
      return listener(request, response)
    })
    const served = await listen(server)
    return {
      url: served.url,
      close() {
        auth.close()
        return served.close()
      },
    }
  },
}

describeFramework('fetch', fetchHarness)

describe('sessionRoutes', () => {
  test('are one Fetch handler, of requests that no server has seen', async () => {
    const sessions = await openSessions()
    const routes = sessionRoutes(sessions, { from: 'either', basePath: '/s' })
    const { accessToken, refreshToken } = await sessions.create({ userId: 'ann' })
    const headers = { authorization: `Bearer ${accessToken}` }
    expect((await routes(new Request('https://api.example/s/session', { headers }))).status).toBe(200)
    const refresh = new Request('https://api.example/s/refresh?x=/y', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ refreshToken }),
    })
    expect(await (await routes(refresh)).json()).toMatchObject({ outcome: 'unchanged' })
    for (const path of ['', '/', '/s', '/sx/session', '/xysession', '/other'])
      expect((await routes(new Request(`https://api.example${path}`, { headers }))).status).toBe(404)
  })

  test('answer all the same when the report fails', async () => {
    const sessions = await openSessions()
    await sessions.close()
    const report = (): never => {
      throw new Error('no log')
    }
    const headers = { authorization: 'Bearer a.b.c' }
    // An unhandled rejection fails the run.
    for (const failing of [report, async () => report()]) {
      const routes = sessionRoutes(sessions, { report: failing })
      expect((await routes(new Request('https://api.example/auth/session', { headers }))).status).toBe(500)
    }
  })

  test('own no request whose query alone looks like them', async () => {
    const auth = fetchAuth(await openSessions())
    const urls = ['/auth/x', 'http://a/auth/x', 'http://a?/auth/x', 'http://a#/auth/x', 'http://a?x=/auth/x', '*', '']
    expect(urls.filter((url) => auth.owns({ url }))).toEqual(['/auth/x', 'http://a/auth/x'])
  })

  test('let no session list, name or end others that was ended on another node, whatever its age may be', async () => {
    const store = memoryStore()
    const [here, there] = [
      await openSessions({ store }),
      await openSessions({ store, freshness: { maxStaleness: '1m' } }),
    ]
    const auth = fetchAuth(there)
    const honest = await here.create({ userId: 'ann' })
    for (const [method, path] of [
      ['GET', 'sessions'],
      ['PATCH', `sessions/${honest.session.sid}`],
      ['DELETE', `sessions/${honest.session.sid}`],
      ['POST', 'logout-others'],
      ['POST', 'logout-everywhere'],
    ] as const) {
      const { accessToken, session } = await here.create({ userId: 'ann' })
      const headers = { authorization: `Bearer ${accessToken}`, 'content-type': 'application/json' }
      await auth.guard()(new Request('https://api.example/', { headers }))
      await here.revoke('ann', session.sid)
      const body = method === 'PATCH' ? '{"name":"x"}' : null
      const answer = await auth.routes(new Request(`https://api.example/auth/${path}`, { method, headers, body }))
      expect([path, answer.status]).toEqual([path, 401])
    }
    expect(await here.list('ann')).toHaveLength(1)
  })

  test('know their own origin by the address where there is no Host header', async () => {
    const sessions = await openSessions()
    const auth = fetchAuth(sessions, { from: 'cookie' })
    const login = (origin: string): Promise<Response> =>
      auth.logIn(
        new Request('https://api.example:8443/login', {
          method: 'POST',
          headers: { origin, 'content-type': 'application/json' },
        }),
        { userId: 'ann' },
      )
    expect((await login('https://api.example:8443')).status).toBe(200)
    expect((await login('https://api.example')).status).toBe(403)
  })

  test('know no origin without a host for their own', async () => {
    const auth = fetchAuth(await openSessions(), { from: 'cookie' })
    for (const origin of ['file://', 'data:x']) {
      const headers = new Headers({ host: '', origin, 'x-requested-with': 'fetch' })
      expect((await auth.logIn({ method: 'POST', url: '/login', headers }, { userId: 'ann' })).status).toBe(403)
    }
  })
})
