import type { Code } from '../errors.js'

/** What a watch tells. After `ended` and `closed` it tells no more. */
export type WatchEvent = StandingEvent | DevicesEvent | EndedEvent | ClosedEvent

/** The session stands, or soon does no more. */
export interface StandingEvent {
  /** `standing`: at once at the beginning, and when the times change. `expiring`: one of the times is near. */
  readonly type: 'standing' | 'expiring'
  /** When it ends unless it is used before. */
  readonly idleExpiresAt: Date
  /** When it ends in any case. */
  readonly sessionExpiresAt: Date
}

/** Something about the user's sessions may have changed: one more, one less, another name. */
export interface DevicesEvent {
  readonly type: 'devices'
}

/** The session stands no more. */
export interface EndedEvent {
  readonly type: 'ended'
  /** What a verify refuses it with. */
  readonly code: Code
  /** Why and by whom, where that was heard of. */
  readonly reason: string | null
  readonly actor: string | null
}

/** The session may stand, but this process no longer watches it. */
export interface ClosedEvent {
  readonly type: 'closed'
}

/** May be async; what it throws or rejects with goes to `on('error')`. */
export type WatchListener = (event: WatchEvent) => unknown
