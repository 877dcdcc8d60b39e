import { afterEach, beforeEach, describe } from 'vitest'
import { frameworks, type FrameworkName } from '../../demo/frameworks/index.js'
import { startServer } from '../../demo/start-server.js'
import { createUsers, type User, type Users } from '../../demo/users.js'
import { createKeyRing, createSessions, generateKeys, type Sessions } from '../../src/index.js'
import { memoryStore } from '../../src/memory-store.js'
import type { Store } from '../../src/ports/store.js'
import { createFakeClock, type FakeClock } from '../conformance/fake-clock.js'

export interface Call {
  readonly token?: string
  readonly headers?: Record<string, string> | [string, string][]
  /** Sent as JSON, a text as it is. */
  readonly body?: unknown
}

export const frameworkNames = Object.keys(frameworks) as readonly FrameworkName[]

export interface OpenApp {
  readonly framework: FrameworkName
  readonly url: string
  readonly sessions: Sessions<object, never, string>
  readonly store: Store
  readonly users: Users
  readonly clock: FakeClock
  /** What the app reported, oldest first. */
  readonly reported: unknown[]
  request(route: string, call?: Call): Promise<Response>
  logIn(username?: 'alice' | 'bob', device?: string): Promise<LoggedIn>
  close(): Promise<void>
}

export interface LoggedIn {
  readonly accessToken: string
  readonly refreshToken: string
  readonly sid: string
}

/** The routes that take an access token. */
export const protectedRoutes: readonly string[] = [
  'GET /api/me',
  'GET /api/activity',
  'GET /auth/sessions',
  'PATCH /auth/sessions/some',
  'DELETE /auth/sessions/some',
  'POST /auth/logout',
  'POST /auth/logout-others',
  'POST /auth/logout-everywhere',
]

const passwords = { alice: 'wonderland', bob: 'builder' }

/** Runs the cases on every framework; the app is a new one for each. */
export function describeDemo(cases: (app: OpenApp) => void): void {
  describe.each(frameworkNames)('the demo on %s', (framework) => {
    const app = {} as OpenApp
    beforeEach(async () => void Object.assign(app, await openApp(framework)))
    afterEach(() => app.close())
    cases(app)
  })
}

/** Their passwords cost time to hash. */
const accounts = createUsers()

/** The demo over the memory store, on a free port. */
async function openApp(framework: FrameworkName): Promise<OpenApp> {
  const [store, keys, clock] = [memoryStore(), await createKeyRing(await generateKeys()), createFakeClock()]
  const users = copyUsers(await accounts)
  const issuer = 'https://rollcall.demo'
  const sessions = createSessions({
    store,
    keys,
    issuer,
    audience: issuer,
    refreshToken: { secret: 'thirty-two bytes or more of a test' },
    clock,
    claims: ({ userId }) => ({ role: users.find(userId).role }),
  })
  const reported: unknown[] = []
  const report = (error: unknown): void => void reported.push(error)
  const app = await frameworks[framework]({ sessions, keys, users, report, clock })
  const { url, stop } = await startServer(app, { host: '127.0.0.1', port: 0 })

  async function request(route: string, { token, headers = [], body }: Call = {}): Promise<Response> {
    const [method = '', path = ''] = route.split(' ')
    const all = new Headers(headers)
    if (token !== undefined) all.set('authorization', `Bearer ${token}`)
    if (body === undefined) return fetch(url + path, { method, headers: all })
    if (!all.has('content-type')) all.set('content-type', 'application/json')
    return fetch(url + path, { method, headers: all, body: typeof body === 'string' ? body : JSON.stringify(body) })
  }

  async function logIn(username: 'alice' | 'bob' = 'alice', device = 'phone'): Promise<LoggedIn> {
    const response = await request('POST /login', {
      body: { username, password: passwords[username], device: { name: device } },
    })
    const { accessToken, refreshToken, session } = await readBody(response)
    return { accessToken, refreshToken, sid: session.sid }
  }

  async function close(): Promise<void> {
    await stop()
    await sessions.close()
  }

  return { framework, url, sessions, store, users, clock, reported, request, logIn, close }
}

/** Which a test may change without the others seeing it. */
function copyUsers({ find }: Users): Users {
  const copies = new Map<string, User>()
  return {
    find(username) {
      const copy = copies.get(username) ?? { ...find(username) }
      copies.set(username, copy)
      return copy
    },
  }
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
