import { afterAll, beforeAll } from 'vitest'
import type { Auth, GuardOptions } from '../../../src/http/guard.js'
import type { LogInOptions } from '../../../src/http/log-in.js'
import type { HttpOptions } from '../../../src/http/settings.js'
import { memoryStore } from '../../../src/memory-store.js'
import type { Store } from '../../../src/ports/store.js'
import { createSessions, type Sessions } from '../../../src/sessions.js'
import type { SessionsOptions } from '../../../src/settings.js'
import type { TokenPair } from '../../../src/token-pair.js'
import { createKeyRing, type KeyRing } from '../../../src/tokens/key-ring.js'
import { createFakeClock, type FakeClock } from '../fake-clock.js'
import { send, type Answer, type Call } from './send.js'

export interface SuiteClaims {
  readonly role: string
}

/** How the suite gets at a framework. */
export interface FrameworkHarness {
  /**
   * Serves on a free port of 127.0.0.1, and lets header lines of 128 KB through, since what the guard does about them is a
   * case. For the framework's part of the app see {@link FrameworkApp}.
   */
  serve(app: FrameworkApp): Promise<ServedApp>
}

export interface ServedApp {
  /** Without a path. */
  readonly url: string
  /** Calls the framework's `auth.close`, then closes the server. */
  close(): Promise<void>
}

/** What the app under test is made of, each part by the framework's own means. */
export interface FrameworkApp {
  readonly sessions: Sessions<SuiteClaims>
  /** For the framework's `...Auth(sessions, options)`. */
  readonly options: HttpOptions
  /** Routes by path, for GET and POST, each behind a guard of these options; they answer `describe(auth)` as JSON. */
  readonly guarded: Readonly<Record<string, GuardOptions>>
  describe(auth: Auth<SuiteClaims> | null): unknown
  /** `POST /login?as=name` answers `logIn` with the options of this name. */
  logIn(name: string): LogInOptions
  /** What `GET /throws` throws, for the framework's `onError` to answer. */
  throwIt(): Promise<never>
  /** Whether the app's own parsers of JSON and forms run before everything else. */
  readonly parsesBodies: boolean
  /** What the session routes are mounted under, as by a router in a router; empty: at the app itself. */
  readonly mountedAt: string
}

/** What a group of cases works with: one app, served. */
export interface Stage {
  readonly url: string
  readonly sessions: Sessions<SuiteClaims, never, string>
  readonly store: Store
  readonly keys: KeyRing
  readonly clock: FakeClock
  /** What `report` was told, oldest first. */
  readonly reported: unknown[]
  /** How often a guarded route was reached. */
  reached(): number
  send(call: Call): Promise<Answer>
  /** A session of a user that no other case has. */
  logIn(options?: Partial<LogInOptions>): Promise<TokenPair<string> & { readonly userId: string }>
  /** A name for `POST /login?as=`. */
  name(options: LogInOptions): string
  /** Each method of the store fails from now on that `fault` throws for, until it is called without one. */
  breakStore(fault?: (method: string) => void): void
  /** Closes the server; at the end of the group it is closed anyway. */
  closeServer(): Promise<void>
}

export interface StageOptions extends Partial<Pick<FrameworkApp, 'guarded' | 'parsesBodies' | 'mountedAt'>> {
  readonly options?: HttpOptions
  readonly settings?: Partial<SessionsOptions<SuiteClaims>>
}

export const issuer = 'https://issuer.example'
export const audience: readonly string[] = ['https://api.example', 'https://admin.example']
export const refreshGrace = 30_000

/** Serves one app for the cases of a group. */
export function stageFor(harness: FrameworkHarness, options: StageOptions = {}): () => Stage {
  let opened: { readonly stage: Stage; close(): Promise<void> }
  beforeAll(async () => {
    opened = await openStage(harness, options)
  })
  afterAll(() => opened.close())
  return () => opened.stage
}

async function openStage(
  harness: FrameworkHarness,
  { options, settings, guarded = { '/guarded': {} }, parsesBodies = false, mountedAt = '' }: StageOptions,
): Promise<{ readonly stage: Stage; close(): Promise<void> }> {
  const [clock, reported] = [createFakeClock(), [] as unknown[]]
  const { store, breakStore } = breakable(memoryStore())
  const keys = await createKeyRing({ secret: 'a secret of thirty-two bytes or more' })
  const sessions = createSessions<SuiteClaims>({
    store,
    keys,
    issuer,
    audience,
    clock,
    refreshToken: { secret: 'another secret of thirty-two bytes', grace: refreshGrace },
    claims: ({ userId }) => ({ role: userId.startsWith('large') ? 'x'.repeat(3_000) : 'member' }),
    ...settings,
  }) as Sessions<SuiteClaims, never, string>
  const logins = new Map<string, LogInOptions>()
  let [reached, users] = [0, 0]
  const served = await harness.serve({
    sessions,
    options: { keys, clock, report: (error) => void reported.push(error), ...options },
    guarded,
    describe(auth) {
      reached += 1
      return (
        auth && { userId: auth.userId, sid: auth.sid, role: auth.claims.role, from: auth.from, source: auth.source }
      )
    },
    logIn: (name) => logins.get(name)!,
    throwIt: () => sessions.revoke('anybody', 'any').then(() => Promise.reject(new Error('a secret of the app'))),
    parsesBodies,
    mountedAt,
  })
  const stage: Stage = {
    url: served.url,
    sessions,
    store,
    keys,
    clock,
    reported,
    reached: () => reached,
    send: (call) => send(served.url, call),
    async logIn(options) {
      const userId = String(options?.userId ?? `user-${(users += 1)}`)
      return { ...(await sessions.create({ ...options, userId })), userId }
    },
    name(options) {
      const name = `login-${logins.size}`
      logins.set(name, options)
      return name
    },
    breakStore,
    closeServer: () => (closing ??= served.close()),
  }
  let closing: Promise<void> | undefined
  const close = async (): Promise<void> => {
    await stage.closeServer()
    await sessions.close()
  }
  return { stage, close }
}

/** A store whose every method can be made to fail. */
function breakable(store: Store): { readonly store: Store; breakStore(fault?: (method: string) => void): void } {
  let fault: ((method: string) => void) | undefined
  const proxy = new Proxy(store, {
    get(target, name, receiver) {
      const member: unknown = Reflect.get(target, name, receiver)
      if (typeof member !== 'function') return member
      return async (...given: unknown[]) => {
        fault?.(String(name))
        return Reflect.apply(member, target, given) as unknown
      }
    },
  })
  return { store: proxy, breakStore: (next) => void (fault = next) }
}
