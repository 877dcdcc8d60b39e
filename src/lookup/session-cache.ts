import { LRUCache } from 'lru-cache'
import type { Clock, Moment } from '../ports/clock.js'
import type { SessionKey, StandingRecord } from '../ports/store.js'
import type { Read } from './batch.js'

/** A read that found a session. */
export type Found = Read & { readonly record: StandingRecord }

/**
 * Sessions as they were read, for verifies that take what is a little old. It only ever helps to accept: what is not here,
 * too old, or not accepted is read anew, so that losing an entry costs a read and nothing else.
 */
export interface SessionCache {
  find(key: SessionKey): Found | undefined
  keep(read: Found): void
  /** A change became known: of this session, or with `null` of all the user's. */
  forget(userId: string, sid: string | null): void
  clear(): void
  /** @param maxStaleness what is older is of no use, and is let go */
  status(maxStaleness: number): SessionCacheStatus
}

export interface SessionCacheStatus {
  readonly entries: number
  /** Milliseconds since the oldest entry was read that may still be accepted on; `null` when there is none. */
  readonly oldest: number | null
}

export function createSessionCache(clock: Clock, maximum: number): SessionCache {
  const sidsOf = new Map<string, Set<string>>()
  /** When each was read, oldest first but for reads that overtook one another. */
  const readAt = new Map<string, number>()
  // By `sid` alone, which is as good as unique: two users of one would cost each other a read.
  const entries = new LRUCache<string, Found>({
    max: maximum,
    dispose: ({ record: { userId } }, sid, reason) => {
      readAt.delete(sid)
      if (reason === 'set') return
      const sids = sidsOf.get(userId)
      sids?.delete(sid)
      if (sids?.size === 0) sidsOf.delete(userId)
    },
  })

  return {
    find({ userId, sid }) {
      const found = entries.get(sid)
      return found?.record.userId === userId ? found : undefined
    },

    keep(read) {
      const { userId, sid } = read.record
      const kept = entries.peek(sid)
      // Two reads may end in another order than they began.
      if (read.isOvertaken || (kept && kept.startedAt.mono > read.startedAt.mono)) return
      entries.set(sid, read)
      readAt.set(sid, read.startedAt.mono)
      sidsOf.set(userId, (sidsOf.get(userId) ?? new Set()).add(sid))
    },

    forget(userId, sid) {
      for (const each of sid === null ? [...(sidsOf.get(userId) ?? [])] : [sid]) entries.delete(each)
    },

    clear: () => entries.clear(),

    status(maxStaleness) {
      const now = clock.mono()
      for (const [sid, startedAt] of readAt) {
        if (now - startedAt <= maxStaleness) return { entries: entries.size, oldest: now - startedAt }
        entries.delete(sid)
      }
      return { entries: 0, oldest: null }
    },
  }
}

/**
 * Whether what a read saw may still be accepted on: its age counts from its start, on both clocks. The wall clock may be
 * set, the other may stand still while a machine sleeps; neither can make an old read young.
 */
export function isFresh(startedAt: Moment, maxStaleness: number, now: Moment): boolean {
  const wall = now.wall - startedAt.wall
  return wall >= 0 && wall <= maxStaleness && now.mono - startedAt.mono <= maxStaleness
}
