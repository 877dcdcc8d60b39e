import type { SessionEvent } from './ports/store.js'
import type { ReuseKind } from './rotation.js'

/** What `on('revoked')`, `on('suspended')` and `on('reinstated')` tell, after the change is committed. */
export interface SessionsEvent {
  /** The id of its row in the events table. */
  readonly id: string
  readonly userId: string
  /** Which sessions are meant: the one named by `sid`, all others than `sid`, or all of the user. */
  readonly scope: 'session' | 'others' | 'all'
  readonly sid: string | null
  /** The user's version after the change; `null` when the change left it alone. */
  readonly tokenVersion: number | null
  readonly reason: string
  readonly actor: string | null
  readonly at: Date
  /**
   * Whether this process made the change. Others are told of where there is an outbox: what is to be done once, such as a
   * mail to the user, is to be done where this is true.
   */
  readonly isOwn: boolean
}

/** What `on('error')` tells: faults that no caller is waiting for. */
export interface BackgroundError {
  readonly error: unknown
  readonly during: 'listener' | 'last seen' | 'first use' | 'commit check' | 'events' | 'outbox' | 'bus'
}

/** What a refresh did: see `docs/refresh.md`. */
export type RefreshOutcome = 'rotated' | 'unchanged' | 'redelivered' | 'redelivered-late'

/** What `on('refreshed')` tells of every refresh that was answered with a pair. */
export interface RefreshedEvent {
  readonly userId: string
  readonly sid: string
  readonly outcome: RefreshOutcome
  /** Whether the request came from another address than the rotation before; `null` when one of them is not known. */
  readonly isOtherIp: boolean | null
  /** The same for the user agent. */
  readonly isOtherUserAgent: boolean | null
  readonly at: Date
}

/** What `on('reused')` tells of a spent refresh token, beside the `revoked` event of what it ended. */
export interface ReusedEvent extends SessionsEvent {
  readonly sid: string
  readonly kind: ReuseKind
}

export interface EventMap {
  readonly revoked: SessionsEvent
  readonly suspended: SessionsEvent
  readonly reinstated: SessionsEvent
  readonly refreshed: RefreshedEvent
  readonly reused: ReusedEvent
  readonly error: BackgroundError
}

/** May be async; what it throws or rejects with goes to `on('error')`. */
export type Listener<Event> = (event: Event) => unknown

export interface Notifier {
  on<Name extends keyof EventMap>(name: Name, listener: Listener<EventMap[Name]>): () => void
  emit<Name extends keyof EventMap>(name: Name, event: EventMap[Name]): void
  publish(event: SessionEvent, isOwn: boolean): void
}

const meanings = {
  session_revoked: { name: 'revoked', scope: 'session' },
  refresh_token_reused: { name: 'revoked', scope: 'session' },
  other_sessions_revoked: { name: 'revoked', scope: 'others' },
  all_sessions_revoked: { name: 'revoked', scope: 'all' },
  user_suspended: { name: 'suspended', scope: 'all' },
  user_reinstated: { name: 'reinstated', scope: 'all' },
} as const satisfies Record<SessionEvent['type'], { name: keyof EventMap; scope: SessionsEvent['scope'] }>

export function createNotifier(): Notifier {
  const listeners: { [Name in keyof EventMap]: Set<Listener<EventMap[Name]>> } = {
    revoked: new Set(),
    suspended: new Set(),
    reinstated: new Set(),
    refreshed: new Set(),
    reused: new Set(),
    error: new Set(),
  }

  function on<Name extends keyof EventMap>(name: Name, listener: Listener<EventMap[Name]>): () => void {
    if (!Object.hasOwn(listeners, name)) throw new TypeError(`there is no event '${name}'`)
    if (typeof listener !== 'function') throw new TypeError('listener must be a function')
    // Wrapped, so that one function registered twice is called twice and each registration ends by itself.
    const registration: Listener<EventMap[Name]> = (event) => listener(event)
    listeners[name].add(registration)
    return () => void listeners[name].delete(registration)
  }

  function emit<Name extends keyof EventMap>(name: Name, event: EventMap[Name]): void {
    // A copy, since a listener may end or begin registrations.
    for (const listener of Array.from(listeners[name])) {
      // A listener can't undo a committed change nor fail its caller; a failing error listener is dropped.
      const report = (error: unknown): void => {
        if (name !== 'error') emit('error', { error, during: 'listener' })
      }
      try {
        const answer = listener(event)
        if (answer instanceof Promise) answer.catch(report)
      } catch (error) {
        report(error)
      }
    }
  }

  function publish(event: SessionEvent, isOwn: boolean): void {
    const { type, at, ...rest } = event
    // A newer version beside this one may write what this one does not know.
    if (!Object.hasOwn(meanings, type)) return undefined
    const { name, scope } = meanings[type]
    if (type !== 'refresh_token_reused') return emit(name, { ...rest, scope, at: new Date(at), isOwn })
    // With a new version it ended them all. Only a refresh writes this type, with the kind for a reason.
    const reused = { ...rest, scope: event.tokenVersion === null ? scope : 'all', at: new Date(at), isOwn } as const
    emit(name, reused)
    emit('reused', { ...reused, sid: event.sid!, kind: event.reason as ReuseKind })
  }

  return { on, emit, publish }
}
