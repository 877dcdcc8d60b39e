import { createApp } from '../../demo/app.js'
import { createUsers, type Users } from '../../demo/users.js'
import { createKeyRing, createSessions, generateKeys, type Sessions } from '../../src/index.js'
import { memoryStore } from '../../src/memory-store.js'
import type { Store } from '../../src/ports/store.js'
import { createFakeClock, type FakeClock } from '../conformance/fake-clock.js'

export interface Call {
  readonly token?: string
  readonly headers?: Record<string, string> | [string, string][]
  /** Sent as JSON, a text or a stream as it is. */
  readonly body?: unknown
}

export interface OpenApp {
  readonly sessions: Sessions<object, never, string>
  readonly store: Store
  readonly users: Users
  readonly clock: FakeClock
  /** What the app reported, oldest first. */
  readonly reported: unknown[]
  request(route: string, call?: Call): Promise<Response>
  logIn(username?: 'alice' | 'bob', device?: string): Promise<LoggedIn>
}

export interface LoggedIn {
  readonly accessToken: string
  readonly refreshToken: string
  readonly sid: string
}

/** The routes that take an access token. */
export const protectedRoutes: readonly string[] = [
  'GET /api/me',
  'GET /auth/sessions',
  'PATCH /auth/sessions/some',
  'DELETE /auth/sessions/some',
  'POST /auth/logout',
  'POST /auth/logout-others',
  'POST /auth/logout-everywhere',
]

const passwords = { alice: 'wonderland', bob: 'builder' }

/** The demo's app over the memory store, without a socket. */
export async function openApp(): Promise<OpenApp> {
  const [store, keys, users, clock] = [
    memoryStore(),
    await createKeyRing(await generateKeys()),
    await createUsers(),
    createFakeClock(),
  ]
  const issuer = 'https://rollcall.demo'
  const sessions = createSessions({
    store,
    keys,
    issuer,
    audience: issuer,
    refreshToken: { secret: 'thirty-two bytes or more of a test' },
    storeTimeout: '50ms',
    clock,
    claims: ({ userId }) => ({ role: users.find(userId).role }),
  })
  const reported: unknown[] = []
  const app = createApp({ sessions, keys, users, report: (error) => void reported.push(error) })

  async function request(route: string, { token, headers = [], body }: Call = {}): Promise<Response> {
    const [method = '', path = ''] = route.split(' ')
    const all = new Headers(headers)
    if (token !== undefined) all.set('authorization', `Bearer ${token}`)
    return app.request(path, { method, headers: all, ...(body !== undefined && bodyOf(body)) })
  }

  async function logIn(username: 'alice' | 'bob' = 'alice', device = 'phone'): Promise<LoggedIn> {
    const response = await request('POST /login', {
      body: { username, password: passwords[username], device: { name: device } },
    })
    const { accessToken, refreshToken, session } = await readBody(response)
    return { accessToken, refreshToken, sid: session.sid }
  }

  return { sessions, store, users, clock, reported, request, logIn }
}

/** The body of a response, of a shape the test knows. */
// oxlint-disable-next-line typescript/no-explicit-any
export async function readBody(response: Response): Promise<any> {
  return response.json()
}

export async function codeOf(response: Response): Promise<string> {
  const { code } = await readBody(response)
  return `${response.status} ${code}`
}

function bodyOf(body: unknown): { body: string | ReadableStream; duplex?: 'half' } {
  if (body instanceof ReadableStream) return { body, duplex: 'half' }
  return { body: typeof body === 'string' ? body : JSON.stringify(body) }
}
