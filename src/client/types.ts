/** A span of time: a number of milliseconds, or text such as `'30s'` or `'5m'`. */
export type ClientDuration = number | `${number}${'s' | 'm' | 'h' | 'd'}`

type Item = string | null | undefined

/** Where a pair of tokens is kept in bearer mode: `localStorage`, or what a native shell has. May be asynchronous. */
export interface ClientStorage {
  getItem(key: string): Item | Promise<Item>
  setItem(key: string, value: string): unknown
  removeItem(key: string): unknown
}

export interface SessionClientOptions {
  /** `cookie`: the server keeps the tokens in cookies that no script reads. `bearer`: they are kept in `storage`. */
  readonly mode: 'cookie' | 'bearer'
  /** The server's address. Default: the page's own origin. Nothing is ever sent to another origin. */
  readonly baseUrl?: string | URL | undefined
  /** The `basePath` of the server's session routes. Default `'/auth'`. */
  readonly basePath?: string | undefined
  /**
   * Of bearer mode: what is kept here outlives the page, and tabs that share it share the session. Default: memory, and
   * each tab has a session of its own. A script that somebody smuggles into the page can read it: prefer cookies.
   */
  readonly storage?: ClientStorage | undefined
  /** The `cookies.name` of the server. Default `'rollcall'`. */
  readonly cookieName?: string | undefined
}

/** The session of this browser, as the server tells it by `GET session`. */
export interface CurrentSession {
  readonly userId: string
  readonly sid: string
  readonly authenticatedAt: Date
  readonly amr: readonly string[] | null
  readonly acr: string | null
  /** When the session ends unless it is used before. */
  readonly idleExpiresAt: Date
  /** When the session ends in any case. */
  readonly sessionExpiresAt: Date
}

/** One device of the user's list. */
export interface ClientDevice {
  readonly sid: string
  readonly device: {
    readonly name: string | null
    readonly kind: string
    readonly userAgent: string | null
    readonly ip: string | null
  }
  readonly createdAt: Date
  readonly authenticatedAt: Date
  readonly lastSeenAt: Date
  readonly idleExpiresAt: Date
  readonly expiresAt: Date
  /** Whether it is this one. */
  readonly current: boolean
}

export interface DevicePage {
  readonly sessions: readonly ClientDevice[]
  /** The `after` of the next page; `null` when there is none. */
  readonly next: string | null
}

/** Why a session is over. */
export interface SessionEnd {
  /** The code of the server's refusal; `logged_out` after `logout` in this browser. */
  readonly code: string
  /** What the server knows of why, such as `logout`, `rotated token reuse`; `null` when nothing was heard. */
  readonly reason: string | null
  /** Who did it: the `sid` of a device, or what the server's program named. */
  readonly actor: string | null
  /** The session that is over. */
  readonly session: CurrentSession
}

/** What a refresh brought. */
export interface SessionRefresh {
  /** `rotated`, `unchanged`, `redelivered` or `redelivered-late`; `elsewhere` when another tab did it. */
  readonly outcome: string
}

export interface SessionClientEvents {
  /** The session as it is now: after a login, when its times changed, when another tab logged in. */
  readonly session: CurrentSession
  /** It ends in less than `before` unless it is used; once for each end that was near. */
  readonly expiring: CurrentSession
  /** The server said that it reached its idle or absolute lifetime. */
  readonly expired: SessionEnd
  /** It was ended otherwise: here, by another device, by an administrator, by a spent token. */
  readonly ended: SessionEnd
  /** Something about the user's devices may have changed: ask for `sessions()` again. */
  readonly devices: undefined
  readonly refreshed: SessionRefresh
}

export interface SessionClient {
  /** The session as last heard; `null` when nobody is logged in, `undefined` while that is not known. */
  readonly session: CurrentSession | null | undefined
  /** Server time minus this machine's, in milliseconds, as last measured: add it to `Date.now()`. */
  readonly skew: number
  /** The global `fetch`, with the session's credential. */
  fetch(input: RequestInfo | URL, init?: RequestInit): Promise<Response>
  /** Sends the app's own login request and takes its session over. Answers the response, its body unread. */
  logIn(input: RequestInfo | URL, init?: RequestInit): Promise<Response>
  /** Asks the server who is logged in here. `null`: nobody. */
  current(): Promise<CurrentSession | null>
  /** The user's devices, newest first, 100 at a time: `after` is the `next` of the page before. */
  sessions(after?: string | null): Promise<DevicePage>
  /** Gives a device a name; an empty one takes it away. */
  rename(sid: string, name: string): Promise<void>
  /** Logs one device out, also one that is out already; the own `sid` as `logout` does. */
  revoke(sid: string): Promise<void>
  /** Logs all other devices out. */
  revokeOthers(): Promise<{ readonly revoked: number }>
  /** Logs every device out, this one, too. */
  revokeAll(): Promise<{ readonly revoked: number }>
  /** Logs out here, also while the server can't be reached; its part is finished later. */
  logout(): Promise<void>
  on(
    event: 'expiring',
    options: { readonly before: ClientDuration },
    listener: (session: CurrentSession) => void,
  ): () => void
  on<Name extends Exclude<keyof SessionClientEvents, 'expiring'>>(
    event: Name,
    listener: (value: SessionClientEvents[Name]) => void,
  ): () => void
  /** Ends timers, the event stream and what listens to other tabs. The session stays. */
  close(): void
}
