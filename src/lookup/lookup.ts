import { momentOf, type Clock, type Moment } from '../ports/clock.js'
import type { SessionEvent, SessionKey } from '../ports/store.js'
import type { LookupMany, Read } from './batch.js'
import { createReads, type ReadsStatus } from './reads.js'
import { createSessionCache, isFresh, type Found, type SessionCacheStatus } from './session-cache.js'
import { decideSessionStanding } from '../standing.js'
import { createVersionsSeen } from './versions-seen.js'

/** How `verify` learns of a session: from what was kept, where that may be, or by a read that others share. */
export interface Lookup {
  /** A kept session that is fresh enough. It may only help to accept. */
  recall(key: SessionKey, maxStaleness: number, now: Moment): Found | undefined
  /** The answer of a read that is under way and fresh enough, `null` when there is none. */
  join(key: SessionKey, maxStaleness: number, timeout: number): Promise<Read> | null
  /**
   * Reads a session, beginning after this call.
   * @throws RollcallError `store_unavailable`, `store_behind` and the store's own codes
   */
  read(key: SessionKey, timeout: number): Promise<Read>
  /** A change was committed: what is kept of its sessions, or being read, counts no more. */
  changed(event: Pick<SessionEvent, 'type' | 'userId' | 'sid' | 'tokenVersion'>): void
  /** Nothing that is kept, or being read, counts any more. */
  forgetAll(): void
  /** What is kept of this session, or of all the user's with `null`, or is being read counts no more. */
  forget(userId: string, sid: string | null): void
  status(): LookupStatus
}

export interface LookupStatus {
  readonly sessions: SessionCacheStatus
  readonly reads: ReadsStatus
}

export interface LookupSettings {
  /** Milliseconds; with 0 no session is kept. */
  readonly maxStaleness: number
  /** How many sessions are kept. */
  readonly cacheSize: number
}

/** Hears of everything that is forgotten: of one session, of all of a user (`null`), or of all. */
export interface Forgotten {
  changed(userId: string, sid: string | null): void
  changedAll(): void
}

export function createLookup(
  clock: Clock,
  { maxStaleness, cacheSize }: LookupSettings,
  lookup: LookupMany,
  forgotten: Forgotten,
): Lookup {
  const cache = maxStaleness === 0 ? null : createSessionCache(clock, cacheSize)
  const versions = createVersionsSeen(clock)
  const reads = createReads(clock, lookup, (key, read) => {
    const { record, startedAt } = read
    if (record !== null) versions.check(key.userId, record.user, startedAt.mono)
    // What does not stand takes nobody's place, and ends what an older read has kept of it.
    if (decideSessionStanding(key, record, startedAt.wall).stands) cache?.keep(read as Found)
    else drop(key.userId, key.sid)
  })

  function drop(userId: string, sid: string | null): void {
    cache?.forget(userId, sid)
    reads.overtake(userId, sid)
  }

  function forget(userId: string, sid: string | null): void {
    drop(userId, sid)
    forgotten.changed(userId, sid)
  }

  return {
    recall(key, maxStaleness, now) {
      const found = cache?.find(key)
      return found && isFresh(found.startedAt, maxStaleness, now) ? found : undefined
    },

    join: (key, maxStaleness, timeout) =>
      reads.join(key, timeout, (startedAt) => isFresh(startedAt, maxStaleness, momentOf(clock))),

    read: (key, timeout) => reads.read(key, timeout),

    changed({ type, userId, sid, tokenVersion }) {
      // Only an end of this one session leaves the user's others as they are.
      const isOne = tokenVersion === null && (type === 'session_revoked' || type === 'refresh_token_reused')
      forget(userId, isOne ? sid : null)
    },

    forget,

    forgetAll() {
      cache?.clear()
      reads.overtakeAll()
      forgotten.changedAll()
    },

    status: () => ({ sessions: cache?.status(maxStaleness) ?? { entries: 0, oldest: null }, reads: reads.status() }),
  }
}
