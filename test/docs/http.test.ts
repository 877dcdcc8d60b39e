import { createServer } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import type { Express } from 'express'
import type { FastifyInstance } from 'fastify'
import type { Hono } from 'hono'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Sessions } from '../../src/sessions.js'
import { generateKeys } from '../../src/tokens/generate-keys.js'
import type { ServedApp } from '../conformance/http/harness.js'
import { cookiesFor, samePage, send } from '../conformance/http/send.js'
import { listen } from '../http/listen.js'
import { openPage, type OpenPage } from './open-page.js'
import { goodLogin, ownFiles } from './own-files.js'

type Fetch = (request: Request) => Response | Promise<Response>

function serveFetch(fetch: Fetch): Promise<ServedApp> {
  return listen(createServer(getRequestListener(fetch, { overrideGlobalObjects: false })))
}

/** The apps of the page, served. */
const frameworks = {
  'hono.ts': (app: Hono) => serveFetch((request) => app.fetch(request)),
  'express.ts': (app: Express) => listen(createServer(app)),
  'fastify.ts': async (app: FastifyInstance): Promise<ServedApp> => ({
    url: await app.listen({ host: '127.0.0.1', port: 0 }),
    close: () => app.close(),
  }),
} as const

let page: OpenPage
let sessions: Sessions
beforeAll(async () => {
  process.env['ROLLCALL_KEYS'] = JSON.stringify(await generateKeys())
  process.env['BILLING_SECRET'] = 'b'.repeat(32)
  page = await openPage('docs/http.md', ownFiles)
  // Before the first request, or Hono takes no more routes.
  await page.load('routes.ts')
  sessions = (await page.load<{ sessions: Sessions }>('sessions.ts')).sessions
})
afterAll(() => page.close())

test.each(Object.keys(frameworks) as (keyof typeof frameworks)[])(
  'docs/http.md logs in, guards, refreshes, lists and logs out by header and by cookie: %s',
  async (file) => {
    const { app } = await page.load<{ app: never }>(file)
    const { url, close } = await frameworks[file](app)
    const wrong = await send(url, { route: 'POST /login', body: { ...goodLogin, password: 'wrong' } })
    expect(wrong.summary).toBe('401 wrong_password')
    const { accessToken: token, refreshToken } = (await send(url, { route: 'POST /login', body: goodLogin })).json
    expect((await send(url, { route: 'GET /me', token })).json).toEqual({ userId: '42', role: 'member' })
    expect((await send(url, { route: 'GET /me' })).summary).toBe('401 token_missing')
    const refreshed = await send(url, { route: 'POST /auth/refresh', body: { refreshToken } })
    expect(refreshed.json).toMatchObject({ outcome: 'unchanged' })
    expect((await send(url, { route: 'GET /auth/sessions', token })).json.sessions).toHaveLength(1)

    const body = { ...goodLogin, mode: 'cookie' }
    const cookies = cookiesFor('/me', (await send(url, { route: 'POST /login', headers: samePage, body })).cookies)
    expect((await send(url, { route: 'GET /me', cookies })).status).toBe(200)
    expect((await send(url, { route: 'POST /auth/logout', headers: samePage, cookies })).status).toBe(204)
    expect((await send(url, { route: 'GET /me', cookies })).summary).toBe('401 session_ended')
    expect((await send(url, { route: 'POST /auth/logout-everywhere', token })).json).toEqual({ revoked: 1 })
    expect((await send(url, { route: 'GET /me', token })).summary).toBe('401 session_ended')
    await close()
  },
)

test('docs/http.md asks of each route what it says', async () => {
  const { app } = await page.load<{ app: Hono }>('hono.ts')
  const { url, close } = await serveFetch((request) => app.fetch(request))
  const { accessToken: token } = await sessions.create({ userId: 42 })
  for (const [route, summary] of [
    ['GET /feed', '200'],
    ['POST /transfer', '200'],
    ['POST /password', '200'],
    ['GET /payroll', '401 insufficient_user_authentication'],
  ] as const)
    expect((await send(url, { route, token })).summary).toBe(summary)
  expect((await send(url, { route: 'GET /news' })).json).toEqual({ hello: 'stranger' })
  expect((await send(url, { route: 'GET /news', token })).json).toEqual({ hello: '42' })
  expect((await send(url, { route: 'GET /news', token: 'x' })).summary).toBe('401 token_malformed')
  await close()
})

test('docs/http.md mounts routes in routers, and asks for recent logins', async () => {
  const { honoApp, expressApp, fastifyApp } = await page.load<{
    honoApp: Hono
    expressApp: Express
    fastifyApp: FastifyInstance
  }>('mounted.ts')
  const { accessToken: token } = await sessions.create({ userId: 42 })
  for (const served of [
    await serveFetch((request) => honoApp.fetch(request)),
    await listen(createServer(expressApp)),
    await frameworks['fastify.ts'](fastifyApp),
  ]) {
    expect((await send(served.url, { route: 'GET /api/v1/auth/session', token })).status).toBe(200)
    await served.close()
  }
  expect(await page.load('strict.ts')).toHaveProperty('strict')
})

test('docs/http.md serves a service, and a server of Fetch', async () => {
  const { forServices } = await page.load<{ forServices: { routes: never } }>('services.ts')
  const { Hono } = await import('hono')
  const services = await serveFetch(new Hono().use(forServices.routes).fetch)
  const { accessToken: token } = await sessions.create({ userId: 42 })
  const headers = [
    ['Authorization', `Basic ${btoa(`billing:${'b'.repeat(32)}`)}`],
    ['Content-Type', 'application/x-www-form-urlencoded'],
  ] as const
  const answer = await send(services.url, { route: 'POST /auth/introspect', headers, body: `token=${token}` })
  expect(answer.json).toMatchObject({ active: true, sub: '42', role: 'member' })
  expect((await send(services.url, { route: 'GET /auth/jwks.json' })).json.keys).toHaveLength(1)
  await services.close()

  const { fetch } = await page.load<{ fetch: Fetch }>('fetch.ts')
  const served = await serveFetch(fetch)
  expect((await send(served.url, { route: 'GET /me', token })).json).toEqual({ userId: '42' })
  expect((await send(served.url, { route: 'GET /me' })).summary).toBe('401 token_missing')
  expect((await send(served.url, { route: 'GET /auth/session', token })).status).toBe(200)
  await served.close()
})
