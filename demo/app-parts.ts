import type { RequestListener } from 'node:http'
import type { Clock, KeyRing, Sessions } from 'rollcall'
import type { HttpOptions } from 'rollcall/http'
import type { Users } from './users.js'

/** What the demo is made of, whatever framework serves it. */
export interface AppParts {
  readonly sessions: Sessions<object, never, string>
  readonly keys: KeyRing
  readonly users: Users
  /** Hears of every error that is answered with a 5xx, but of `key_unavailable`. */
  readonly report: (error: unknown) => void
  /** The one of the sessions. Default: the system's. */
  readonly clock?: Clock
}

/** The demo by one framework, for a server of Node. */
export interface DemoApp {
  readonly listener: RequestListener
  /** What stays open until somebody ends it: before the server stops, or it would wait. */
  endStreams(): void
}

export type CreateApp = (parts: AppParts) => DemoApp | Promise<DemoApp>

/** For the `...Auth` of each framework. */
export function authOptions({ keys, report, clock }: AppParts): HttpOptions {
  return { from: 'either', keys, report, clock }
}
