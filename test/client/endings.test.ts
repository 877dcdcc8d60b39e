import { expect, test, vi } from 'vitest'
import {
  bearerOf,
  fakeStorage,
  json,
  openFakePage,
  openStream,
  pairOf,
  pause,
  refusal,
  sessionOf,
} from './fake-page.js'

const none = (): Response => new Response(null, { status: 204 })
const login = { method: 'POST' }

test('A session that is logged out with one client is no matter of another that has its tokens elsewhere', async () => {
  const local = fakeStorage()
  vi.stubGlobal('localStorage', local)
  let isUp = false
  const cookieLogouts: Request[] = []
  const page = openFakePage({
    'POST /login': () => json(pairOf(1)),
    'GET /auth/session': () => json(sessionOf()),
    'POST /auth/logout': (request) => {
      if (!isUp) return refusal('store_unavailable', 503)
      if (bearerOf(request) === null) cookieLogouts.push(request)
      return none()
    },
  })
  const bearer = page.open({ mode: 'bearer', storage: local })
  const cookie = page.open({ mode: 'cookie' })
  await cookie.logIn('/login', login)
  await bearer.logIn('/login', login)
  await bearer.logout()
  expect(await cookie.current()).toMatchObject({ sid: 'sid-1' })
  isUp = true
  await bearer.logout()
  expect(cookieLogouts).toEqual([])
  isUp = false
  await cookie.logout()
  isUp = true
  await bearer.logout()
  expect(await cookie.fetch('/api/me').then(() => page.sent.at(-1)!.credentials)).toBe('omit')
})

test.each(['cookie', 'bearer'] as const)(
  'A logout tells the server also where the storage is full (%s)',
  async (mode) => {
    const storage = fakeStorage()
    const page = openFakePage({
      'POST /login': () => json(pairOf(1)),
      'GET /auth/session': (request) =>
        request.credentials === 'include' || bearerOf(request) ? json(sessionOf()) : refusal('token_missing'),
      'POST /auth/logout': none,
    })
    const client = page.open({ mode, storage })
    await client.logIn('/login', login)
    storage.isFull = true
    await client.logout().catch(() => {})
    expect(page.count('POST /auth/logout')).toBe(1)
    expect(client.session).toBe(null)
  },
)

test.each([429, 403, 404, 400])(
  'A %d that a proxy answers a logout with does not bring the session back',
  async (status) => {
    const page = openFakePage({
      'GET /auth/session': (request) =>
        request.credentials === 'include' ? json(sessionOf()) : refusal('token_missing'),
      'POST /auth/logout': () =>
        new Response('<h1>Slow down</h1>', { status, headers: { 'Content-Type': 'text/html' } }),
    })
    const client = page.open({ mode: 'cookie', storage: fakeStorage() })
    await client.current()
    await client.logout()
    expect(await client.current()).toBe(null)
  },
)

test('A client that was closed logs out, refreshes and listens again when it is asked to', async () => {
  const storage = fakeStorage()
  const encoder = new TextEncoder()
  const page = openFakePage({
    'POST /login': () => json(pairOf(1)),
    'GET /auth/session': () => json(sessionOf()),
    'GET /api/me': (request) => (bearerOf(request) === 'access-1' ? refusal('token_expired') : json({})),
    'POST /auth/refresh': () => json({ ...pairOf(2), outcome: 'rotated' }),
    'POST /auth/logout': none,
    'GET /auth/events': () => {
      const body = new ReadableStream({
        start: (controller) => controller.enqueue(encoder.encode('id: devices\nevent: devices\ndata: {}\n\n')),
      })
      return new Response(body, { headers: { 'Content-Type': 'text/event-stream' } })
    },
  })
  const client = page.open({ mode: 'bearer', storage })
  await client.logIn('/login', login)
  client.on('session', () => {})()
  client.close()
  // As React's strict mode does.
  const devices: unknown[] = []
  client.on('devices', (value) => devices.push(value))
  await pause(4_000)
  expect([devices.length, page.count('GET /auth/events')]).toEqual([1, 1])
  client.close()
  expect((await client.fetch('/api/me')).status).toBe(200)
  client.close()
  await client.logout()
  expect(page.count('POST /auth/logout')).toBe(1)
})

test('A client that is closed in the middle of a refresh answers the request that waits for it', async () => {
  const page = openFakePage({
    'POST /login': () => json(pairOf(1)),
    'GET /auth/session': () => json(sessionOf()),
    'GET /api/me': (request) => (bearerOf(request) === 'access-1' ? refusal('token_expired') : json({})),
    'POST /auth/refresh': async () => {
      await pause(50)
      return json({ ...pairOf(2), outcome: 'rotated' })
    },
  })
  const client = page.open({ mode: 'bearer' })
  await client.logIn('/login', login)
  const answer = client.fetch('/api/me')
  await pause(20)
  client.close()
  expect((await answer).status).toBe(200)
})

test('A login while the last session is being told to be over is not taken for one without cookies', async () => {
  const storage = fakeStorage()
  let sid: string | null = 'sid-1'
  const page = openFakePage({
    'POST /login': () => {
      sid = 'sid-2'
      return json(pairOf(2))
    },
    'GET /auth/session': () => (sid === null ? refusal('session_ended') : json(sessionOf(sid))),
    'GET /auth/events': openStream,
  })
  vi.stubGlobal('document', { cookie: '__Host-rollcall-expiry=1', hidden: false })
  const client = page.open({ mode: 'cookie', storage })
  const told: string[] = []
  client.on('ended', () => told.push('ended'))
  client.on('session', ({ sid }) => told.push(sid))
  await client.current()
  await pause(50)
  sid = null
  const over = client.current()
  await pause(50)
  vi.stubGlobal('document', { cookie: '__Host-rollcall-expiry=2', hidden: false })
  await client.logIn('/login', login)
  await over
  expect(client.session).toMatchObject({ sid: 'sid-2' })
  expect(told.at(-1)).toBe('sid-2')
})

test('An end that is still to be explained is not told after the login that followed it', async () => {
  const storage = fakeStorage()
  const page = openFakePage({
    'POST /login': () => json(pairOf(page.count('POST /login'))),
    'GET /auth/session': (request) => json(sessionOf(bearerOf(request) === 'access-1' ? 'sid-1' : 'sid-2')),
    'GET /api/me': () => refusal('token_expired'),
    'POST /auth/refresh': () => refusal('refresh_token_reused'),
    'GET /auth/events': openStream,
  })
  const client = page.open({ mode: 'bearer', storage })
  const told: string[] = []
  client.on('ended', () => told.push('ended'))
  client.on('session', ({ sid }) => told.push(sid))
  await client.logIn('/login', login)
  await pause(50)
  const refused = client.fetch('/api/me')
  await pause(50)
  await client.logIn('/login', login)
  await refused
  await pause(600)
  expect(client.session).toMatchObject({ sid: 'sid-2' })
  expect(told.at(-1)).toBe('sid-2')
})

test('A logout while a refresh is answered leaves no pair behind, in whatever order the two take their turns (ASVS 14.3.1)', async () => {
  // Each delay is a number of turns that the answer of the refresh comes later than the logout begins.
  for (let delay = 0; delay < 40; delay += 1) {
    const storage = fakeStorage()
    let answerRefresh: (response: Response) => void = () => {}
    const page = openFakePage({
      'POST /login': () => json(pairOf(1)),
      'GET /auth/session': () => json(sessionOf()),
      'GET /api/me': () => refusal('token_expired'),
      'POST /auth/refresh': () => new Promise((resolve) => (answerRefresh = resolve)),
      'POST /auth/logout': () => refusal('store_unavailable', 503),
    })
    const client = page.open({ mode: 'bearer', storage })
    await client.logIn('/login', login)
    const request = client.fetch('/api/me').catch(() => {})
    await pause(5)
    answerRefresh(json({ ...pairOf(2), outcome: 'rotated' }))
    for (let turn = 0; turn < delay; turn += 1) await Promise.resolve()
    await client.logout()
    await request
    await pause(5)
    expect(
      [...storage.items.keys()].filter((key) => !key.endsWith('pending')),
      `after ${delay} turns`,
    ).toEqual([])
    client.close()
    vi.unstubAllGlobals()
  }
})
