import { expect, test, vi } from 'vitest'
import type { SessionEnd } from '../../src/client/types.js'
import { fakeStorage, json, openFakePage, openStream, pairOf, pause, refusal, sessionOf } from './fake-page.js'

const none = (): Response => new Response(null, { status: 204 })
const login = { method: 'POST' }

test('A logout ends the session in another tab also while the server is away', async () => {
  const storage = fakeStorage()
  let isUp = true
  const page = openFakePage({
    'POST /login': () => json(pairOf(1)),
    'GET /auth/session': () => {
      if (!isUp) throw new TypeError('fetch failed')
      return json(sessionOf())
    },
  })
  const [one, other] = [page.open({ mode: 'bearer', storage }), page.open({ mode: 'bearer', storage })]
  const ends: SessionEnd[] = []
  other.on('ended', (end) => ends.push(end))
  await one.logIn('/login', login)
  await other.current()
  isUp = false
  await one.logout()
  await pause(50)
  expect([other.session, ends.length]).toEqual([null, 1])
})

test.each([{ code: 401 }, { code: 'UNAUTHORIZED' }, { code: 'token_missing' }])(
  'A 401 of %o, which says nothing of the token that was sent, drops no pair',
  async (body) => {
    const storage = fakeStorage()
    const page = openFakePage({
      'POST /login': () => json(pairOf(1)),
      'GET /auth/session': () => (page.count('GET /auth/session') < 2 ? json(sessionOf()) : json(body, 401)),
      'GET /api/me': () => json(body, 401),
    })
    const client = page.open({ mode: 'bearer', storage })
    await client.logIn('/login', login)
    await client.fetch('/api/me')
    expect(client.session).toMatchObject({ sid: 'sid-1' })
    expect([...storage.items.values()].join()).toContain('refresh-1')
  },
)

test.each(['{}', '[]', '"up"', 'null', '<html>', '{"sid":"x"}'])(
  'An answer of %s to GET session is no session',
  async (body) => {
    const page = openFakePage({ 'GET /auth/session': () => new Response(body) })
    const client = page.open({ mode: 'cookie', storage: fakeStorage() })
    const timers = vi.spyOn(globalThis, 'setTimeout')
    client.on('session', () => {})
    await expect(client.current()).rejects.toThrow()
    expect(client.session).toBe(undefined)
    await pause(300)
    expect(timers.mock.calls.length).toBeLessThan(20)
  },
)

test('A time that is none makes no timer run wild', async () => {
  const page = openFakePage({ 'GET /auth/session': () => json(sessionOf('sid-1', { now: 'soon' })) })
  const client = page.open({ mode: 'cookie', storage: fakeStorage() })
  const timers = vi.spyOn(globalThis, 'setTimeout')
  client.on('session', () => {})
  await client.current().catch(() => {})
  await pause(500)
  expect(timers.mock.calls.length).toBeLessThan(20)
})

// What would mend it has no room in 4 KB yet; until then the abort is heeded when the refresh is over, or given up.
test('An abort of a request that waits for a refresh is heeded when that is over, and it is not sent again', async () => {
  const page = openFakePage({
    'POST /login': () => json(pairOf(1)),
    'GET /auth/session': () => json(sessionOf()),
    'GET /api/me': () => refusal('token_expired'),
    'POST /auth/refresh': () => pause(100).then(() => json(pairOf(2))),
  })
  const client = page.open({ mode: 'bearer' })
  await client.logIn('/login', login)
  const answer = client.fetch('/api/me', { signal: AbortSignal.timeout(50) }).then(
    () => 'answered',
    (error: Error) => error.name,
  )
  expect(await Promise.race([answer, pause(1_000)])).toBe('TimeoutError')
})

test.each(['GET /auth/session', 'POST /auth/refresh', 'POST /auth/logout'])(
  'A connection on which %s is never answered is given up',
  async (route) => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] })
    vi.spyOn(AbortSignal, 'timeout').mockImplementation((ms) => {
      const controller = new AbortController()
      setTimeout(() => controller.abort(new DOMException('late', 'TimeoutError')), ms)
      return controller.signal
    })
    let isSilent = false
    const page = openFakePage({
      'POST /login': () => json(pairOf(1)),
      'GET /auth/session': () => json(sessionOf()),
      'GET /api/me': () => refusal('token_expired'),
      'POST /auth/refresh': () => json({ ...pairOf(2), outcome: 'rotated' }),
      'POST /auth/logout': none,
    })
    const real = globalThis.fetch
    vi.stubGlobal('fetch', (request: Request, init?: RequestInit) =>
      isSilent && request.url.endsWith(route.split('/auth')[1]!)
        ? new Promise((_, reject) => {
            request.signal.addEventListener('abort', () => reject(request.signal.reason as Error))
          })
        : real(request as never, init),
    )
    const client = page.open({ mode: 'bearer' })
    await client.logIn('/login', login)
    isSilent = true
    const act = {
      session: () => client.current(),
      refresh: () => client.fetch('/api/me'),
      logout: () => client.logout(),
    }
    let isDone = false
    const done = (): void => void (isDone = true)
    act[route.split('/').at(-1) as 'session']()
      .catch(() => {})
      .finally(done)
    await vi.advanceTimersByTimeAsync(60_000)
    expect(isDone).toBe(true)
  },
)

test('A page that is answered to the event stream, as a proxy does for what it does not know, is not asked for all the time', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date', 'setInterval', 'clearInterval'] })
  let devices = 0
  const page = openFakePage({
    'GET /auth/session': () => json(sessionOf()),
    'GET /auth/events': () =>
      new Response('<!doctype html>\n\n<p>hello\n\n', { headers: { 'Content-Type': 'text/html' } }),
  })
  const client = page.open({ mode: 'cookie', storage: fakeStorage() })
  client.on('devices', () => void (devices += 1))
  await vi.advanceTimersByTimeAsync(600_000)
  expect(page.count('GET /auth/events')).toBeLessThan(40)
})

test('A stream that was given up while the server was asked is not opened any more', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date', 'setInterval', 'clearInterval'] })
  let isAsked = false
  const page = openFakePage({
    'GET /auth/session': async () => {
      isAsked = page.count('GET /auth/session') > 1
      if (isAsked) await new Promise((resolve) => setTimeout(resolve, 100))
      return json(sessionOf())
    },
    'GET /auth/events': () => (isAsked ? openStream() : refusal('store_unavailable', 503)),
  })
  const client = page.open({ mode: 'cookie', storage: fakeStorage() })
  client.on('devices', () => {})
  for (let step = 0; step < 1_000 && page.count('GET /auth/session') < 2; step += 1)
    await vi.advanceTimersByTimeAsync(10)
  const before = page.count('GET /auth/events')
  client.close()
  await vi.advanceTimersByTimeAsync(60_000)
  expect(page.count('GET /auth/events')).toBe(before)
})

test('A session that the server tells of again unchanged is told once', async () => {
  const answer = sessionOf()
  const page = openFakePage({ 'GET /auth/session': () => json(answer) })
  const client = page.open({ mode: 'cookie' })
  const told: unknown[] = []
  client.on('session', (session) => told.push(session))
  await client.current()
  await client.current()
  expect(page.count('GET /auth/session')).toBeGreaterThan(1)
  expect(told).toHaveLength(1)
})

test('A session whose end was moved by a use, without a word, is asked for before anybody is warned of its end', async () => {
  const endsIn = (ms: number): Response => json(sessionOf('sid-1', { idleExpiresAt: new Date(Date.now() + ms) }))
  const page = openFakePage({
    'GET /auth/session': () => endsIn(page.count('GET /auth/session') < 2 ? 600 : 60_000),
    'GET /auth/events': openStream,
  })
  const client = page.open({ mode: 'cookie' })
  const warned: unknown[] = []
  client.on('expiring', { before: 300 }, (session) => warned.push(session))
  await expect.poll(() => page.count('GET /auth/session')).toBe(2)
  await pause(50)
  expect(warned).toEqual([])
})
