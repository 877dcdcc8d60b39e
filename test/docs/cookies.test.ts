import { createServer } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import type { Hono } from 'hono'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import type { Sessions } from '../../src/sessions.js'
import type { ServedApp } from '../conformance/http/harness.js'
import { cookiesFor, samePage, send } from '../conformance/http/send.js'
import { startDemo } from '../demo/demo-process.js'
import { makePlace } from '../demo/place.js'
import { listen } from '../http/listen.js'
import { openPage, type OpenPage } from './open-page.js'
import { goodLogin, ownFiles } from './own-files.js'
import { talkToDemo } from './run-shell.js'

let page: OpenPage
let sessions: Sessions
let served: ServedApp | undefined

async function serve(file: string): Promise<ServedApp> {
  const { app } = await page.load<{ app: Hono }>(file)
  return listen(createServer(getRequestListener(app.fetch, { overrideGlobalObjects: false })))
}

beforeAll(async () => {
  page = await openPage('docs/cookies.md', ownFiles)
  sessions = (await page.load<{ sessions: Sessions }>('sessions.ts')).sessions
})
afterEach(() => served?.close())
afterAll(() => page.close())

test('docs/cookies.md shows curl what to send', async () => {
  const place = await makePlace()
  const demo = await startDemo(place.environment)
  const [talk] = await talkToDemo('docs/cookies.md', demo.url, { first: `cd '${place.folder}'`, replace: {} })
  expect(talk!.printed).toBe(talk!.promised)
  await demo.stop()
  await place.remove()
})

test('docs/cookies.md remembers who asked for it, and nobody else', async () => {
  served = await serve('app.ts')
  for (const [remember, maxAge] of [
    [true, 30 * 86_400],
    [false, undefined],
  ] as const) {
    const login = await send(served.url, { route: 'POST /login', headers: samePage, body: { ...goodLogin, remember } })
    expect(login.cookies.map((cookie) => cookie.maxAge)).toEqual([maxAge, maxAge, maxAge])
    const cookies = cookiesFor('/todos', login.cookies)
    const todo = await send(served.url, { route: 'POST /todos', headers: samePage, cookies })
    expect(todo.json).toEqual({ owner: '42' })
    expect((await send(served.url, { route: 'POST /todos', cookies })).summary).toBe('403 cross_site_request')
  }
})

test('docs/cookies.md has a page that refreshes once for all calls that wait, and does nothing about a 503', async () => {
  served = await serve('app.ts')
  const { call, logOut } = await page.load<{
    call(path: string, init?: RequestInit): Promise<Response>
    logOut(): Promise<Response>
  }>('page.ts')
  const pair = await sessions.create({ userId: 42 })
  // What a browser does by itself: cookies, and saying which page it is.
  const jar = new Map([
    ['__Host-rollcall-access', pair.accessToken],
    ['__Secure-rollcall-refresh', pair.refreshToken!],
  ])
  const asked: string[] = []
  const answers: Response[] = []
  const refreshes: Response[] = []
  const real = globalThis.fetch
  vi.stubGlobal('fetch', async (path: string, init: RequestInit) => {
    asked.push(path)
    const scripted = path === '/todos' ? answers.shift() : refreshes.shift()
    if (scripted !== undefined) return scripted
    const cookie = [...jar].map((entry) => entry.join('=')).join('; ')
    const headers = { ...Object.fromEntries(new Headers(init.headers)), cookie, 'sec-fetch-site': 'same-origin' }
    const response = await real(served!.url + path, { ...init, headers })
    for (const line of response.headers.getSetCookie()) {
      const [name = '', value = ''] = line.split(';', 1)[0]!.split('=')
      if (value === '') jar.delete(name)
      else jar.set(name, value)
    }
    return response
  })
  const expired = (): Response => Response.json({ code: 'token_expired' }, { status: 401 })
  answers.push(expired(), expired(), expired())
  const all = await Promise.all([1, 2, 3].map(() => call('/todos', { method: 'POST' })))
  expect(all.map(({ status }) => status)).toEqual([200, 200, 200])
  expect(asked.filter((path) => path === '/auth/refresh')).toHaveLength(1)
  // What one caller reads of a refresh that failed, another can read as well.
  answers.push(expired(), expired())
  const broken = Response.json({ code: 'store_unavailable' }, { status: 503 })
  refreshes.push(broken)
  const both = await Promise.all([1, 2].map(async () => (await call('/todos', { method: 'POST' })).json()))
  expect(both).toEqual([{ code: 'store_unavailable' }, { code: 'store_unavailable' }])
  answers.push(Response.json({ code: 'store_unavailable' }, { status: 503 }))
  expect((await call('/todos', { method: 'POST' })).status).toBe(503)
  expect((await logOut()).status).toBe(204)
  expect([...jar]).toEqual([])
  expect((await call('/todos', { method: 'POST' })).status).toBe(401)
  vi.unstubAllGlobals()
})

test('docs/cookies.md lets a page of another origin in, and tells it what a refusal is', async () => {
  served = await serve('cross-origin.ts')
  const { accessToken } = await sessions.create({ userId: 42 })
  const headers = [
    ['Origin', 'https://app.example.com'],
    ['Sec-Fetch-Site', 'same-site'],
    ['X-Requested-With', 'fetch'],
  ] as const
  const cookies = `__Host-rollcall-access=${accessToken}`
  const me = await send(served.url, { route: 'GET /me', headers, cookies })
  expect([me.json, me.headers['access-control-allow-credentials']]).toEqual(['42', 'true'])
  const refused = await send(served.url, { route: 'GET /me', headers })
  expect([refused.summary, refused.headers['access-control-expose-headers']]).toEqual([
    '401 token_missing',
    'WWW-Authenticate,Retry-After',
  ])
  const preflight = await send(served.url, {
    route: 'OPTIONS /auth/logout',
    headers: [...headers, ['Access-Control-Request-Method', 'POST']],
  })
  expect([preflight.status, preflight.headers['access-control-allow-headers']]).toEqual([
    204,
    'Content-Type,X-Requested-With',
  ])
  expect((await send(served.url, { route: 'POST /auth/logout', headers, cookies })).status).toBe(204)
  const evil = [['Origin', 'https://evil.example'], ...headers.slice(1)] as (typeof headers)[number][]
  expect((await send(served.url, { route: 'POST /auth/logout', headers: evil, cookies })).status).toBe(403)
})
