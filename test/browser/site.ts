import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { DemoApp } from '../../demo/app-parts.js'
import { frameworks } from '../../demo/frameworks/index.js'
import { createUsers } from '../../demo/users.js'
import { createKeyRing, createSessions, generateKeys, type Sessions } from '../../src/index.js'
import type { Duration } from '../../src/durations.js'
import { memoryStore } from '../../src/memory-store.js'
import type { Store } from '../../src/ports/store.js'
import { createFaults, type Faults } from './faults.js'
import { servePage } from './pages.js'
import { sidOf } from './sid-of.js'

export interface SiteOptions {
  readonly accessLifetime?: Duration
  readonly lifetime?: Duration
  readonly idleLifetime?: Duration
  readonly grace?: Duration
  /**
   * Whether connections serve more than one request. A browser repeats, by itself and unseen, what it sent over one that
   * breaks and had served before; over a new one it doesn't. Default `true`.
   */
  readonly keepsConnections?: boolean
  /** Origins other than the site's whose scripts may read its answers. Default: none. */
  readonly corsOrigins?: readonly string[]
}

/** A request that reached the site, but those for its pages. */
export interface Seen {
  /** `POST /auth/refresh`; without a query, and with `:sid` for that of a device. */
  readonly route: string
  readonly url: string
  /** The session whose token came along, by header or by cookie; `null` without any. */
  readonly sid: string | null
  readonly authorization: string | null
  readonly cookie: string | null
  readonly response: ServerResponse
}

/** The demo on Hono over the memory store, over real sockets and by the real clock, in which a test looks and interferes. */
export interface Site extends Faults {
  readonly url: string
  readonly sessions: Sessions<object, never, string>
  readonly store: Store
  /** All so far, oldest first. */
  readonly seen: readonly Seen[]
  /** How many requests of this route came, of all sessions or of this one. */
  count(route: string, sid?: string): number
  /** How many event streams are open, of all sessions or of this one. */
  streams(sid?: string): number
  /** Breaks the connections of the open event streams. */
  cutStreams(): void
  /** How many sessions the user has, whether a server runs or not. */
  sessionsOf(userId: string): Promise<number>
  /** Whether every call of the store fails. */
  storeIsDown: boolean
  /** As a deployment does, or as a crash does. */
  stop(how: 'in order' | 'at once'): Promise<void>
  /** Serves again on the same port, from the same store. */
  start(): Promise<void>
  close(): Promise<void>
}

const issuer = 'https://rollcall.demo'

/** What costs time to make, and may be shared. */
const shared = Promise.all([createUsers(), generateKeys().then((keys) => createKeyRing(keys))])

export async function openSite(options: SiteOptions = {}): Promise<Site> {
  const [users, keys] = await shared
  const memory = memoryStore()
  const seen: Seen[] = []
  const faults = createFaults()
  const store = failing(memory, () => site.storeIsDown)
  const settings = {
    keys,
    issuer,
    audience: issuer,
    // An expiry that a test waits for is one at once.
    accessToken: { lifetime: options.accessLifetime ?? '10m', jitter: 0 },
    clockTolerance: 0,
    refreshToken: { secret: 'thirty-two bytes or more of a test', grace: options.grace ?? '1s' },
    session: { lifetime: options.lifetime, idleLifetime: options.idleLifetime, lastSeenInterval: '1s' },
    claims: ({ userId }: { readonly userId: string }) => ({ role: users.find(userId).role }),
  } as const
  const observer = createSessions({ store: memory, ...settings })
  let port = 0
  let running = await start()

  async function start(): Promise<Running> {
    const sessions = createSessions({ store, ...settings })
    // What fails here fails because a test wants it to, and is answered.
    const app = await frameworks.hono({ sessions, keys, users, report: () => {} })
    const server = createServer((request, response) => void answer(app, request, response))
    if (options.keepsConnections === false) server.maxRequestsPerSocket = 1
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(port, '127.0.0.1', resolve)
    })
    port = (server.address() as AddressInfo).port
    return { sessions, app, server }
  }

  async function answer(app: DemoApp, request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (await servePage(request, response)) return
    const { authorization = null, cookie = null } = request.headers
    const route = routeOf(request)
    if (allowOrigin(request, response, options.corsOrigins ?? [])) return
    seen.push({ route, url: request.url ?? '', sid: sidOf(request), authorization, cookie, response })
    await faults.meet(route, request, response, () => app.listener(request, response))
  }

  async function stop(how: 'in order' | 'at once'): Promise<void> {
    const { app, server, sessions } = running
    if (how === 'in order') app.endStreams()
    const closed = new Promise((resolve) => server.close(resolve))
    // In order, what the streams say last must be sent before.
    if (how === 'in order') await new Promise((resolve) => setTimeout(resolve, 50))
    server.closeAllConnections()
    await closed
    await sessions.close()
  }

  const openStreams = (): Seen[] =>
    seen.filter(
      ({ route, response }) => route === 'GET /auth/events' && !response.closed && response.statusCode === 200,
    )

  const site: Site = {
    ...faults,
    url: `http://127.0.0.1:${port}`,
    get sessions() {
      return running.sessions
    },
    store,
    seen,
    storeIsDown: false,
    count: (route, sid) => seen.filter((one) => one.route === route && (sid === undefined || one.sid === sid)).length,
    streams: (sid) => openStreams().filter((one) => sid === undefined || one.sid === sid).length,
    cutStreams() {
      for (const { response } of openStreams()) response.destroy()
    },
    sessionsOf: async (userId) => (await observer.list(userId)).length,
    stop,
    start: async () => void (running = await start()),
    async close() {
      if (running.server.listening) await stop('at once')
      await observer.close()
    },
  }
  return site
}

interface Running {
  readonly sessions: Sessions<object, never, string>
  readonly app: DemoApp
  readonly server: Server
}

function routeOf({ method, url = '' }: IncomingMessage): string {
  const { pathname } = new URL(url, 'http://site')
  return `${method} ${pathname.replace(/^(\/auth\/sessions\/).+/, '$1:sid')}`
}

/** The store, all of whose calls fail while `isDown`. */
function failing(store: Store, isDown: () => boolean): Store {
  return new Proxy(store, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name)
      if (typeof value !== 'function' || name === 'assertTransaction' || name === 'settled') return value
      return (...given: unknown[]): unknown =>
        isDown() ? Promise.reject(new Error('the store is down')) : Reflect.apply(value, target, given)
    },
  })
}

/** Answers preflights; `true` when it has. */
function allowOrigin(request: IncomingMessage, response: ServerResponse, origins: readonly string[]): boolean {
  const { origin } = request.headers
  if (origin === undefined || !origins.includes(origin)) return false
  response.setHeader('Access-Control-Allow-Origin', origin)
  response.setHeader('Access-Control-Expose-Headers', 'WWW-Authenticate, Retry-After')
  response.setHeader('Vary', 'Origin')
  if (request.method !== 'OPTIONS') return false
  response.setHeader('Access-Control-Allow-Headers', 'Authorization, Content-Type, X-Requested-With')
  response.setHeader('Access-Control-Allow-Methods', 'GET, POST, PATCH, DELETE')
  response.writeHead(204).end()
  return true
}
