import { nameOf } from '../ids.js'
import type { SessionKey } from '../ports/store.js'
import type { EndedEvent, StandingEvent, WatchListener } from './events.js'

/** A session that is watched. */
export interface Watch {
  readonly key: SessionKey
  readonly listeners: Set<WatchListener>
  /** As it was read last. */
  last: Pick<StandingEvent, 'idleExpiresAt' | 'sessionExpiresAt'> | null
  hasWarned: boolean
  isChecking: boolean
  /** What is being read may be older than what is known. */
  isOvertaken: boolean
  /** Reads in a row that failed. */
  failures: number
  explanation: Pick<EndedEvent, 'reason' | 'actor'>
}

/** The watched sessions, each once, by session and by user. */
export interface Registry {
  /** The watch of a session, a new one where there is none. */
  open(key: SessionKey): Watch
  has(watch: Watch): boolean
  drop(watch: Watch): void
  of(userId: string): readonly Watch[]
  all(): readonly Watch[]
  size(): number
}

export const unexplained: Watch['explanation'] = { reason: null, actor: null }

export function createRegistry(): Registry {
  const watches = new Map<string, Watch>()
  const byUser = new Map<string, Set<Watch>>()
  const has = (watch: Watch): boolean => watches.get(nameOf(watch.key)) === watch
  return {
    open(key) {
      const found = watches.get(nameOf(key))
      if (found !== undefined) return found
      const watch = {
        key,
        listeners: new Set<WatchListener>(),
        last: null,
        hasWarned: false,
        isChecking: false,
        isOvertaken: false,
        failures: 0,
        explanation: unexplained,
      }
      watches.set(nameOf(key), watch)
      byUser.set(key.userId, (byUser.get(key.userId) ?? new Set<Watch>()).add(watch))
      return watch
    },
    has,
    drop(watch) {
      if (!has(watch)) return
      watches.delete(nameOf(watch.key))
      const others = byUser.get(watch.key.userId)
      others?.delete(watch)
      if (others?.size === 0) byUser.delete(watch.key.userId)
    },
    of: (userId) => [...(byUser.get(userId) ?? [])],
    all: () => [...watches.values()],
    size: () => watches.size,
  }
}
