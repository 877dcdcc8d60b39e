import { LRUCache } from 'lru-cache'
import { nameOf } from '../ids.js'
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
  const namesOf = new Map<string, Set<string>>()
  /** When each was read, oldest first but for reads that overtook one another. */
  const readAt = new Map<string, number>()
  const entries = new LRUCache<string, Found>({
    max: maximum,
    dispose: ({ record }, name, reason) => {
      readAt.delete(name)
      if (reason === 'set') return
      const names = namesOf.get(record.userId)
      names?.delete(name)
      if (names?.size === 0) namesOf.delete(record.userId)
    },
  })

  return {
    find: (key) => entries.get(nameOf(key)),

    keep(read) {
      const name = nameOf(read.record)
      const kept = entries.peek(name)
      // Two reads may end in another order than they began.
      if (read.isOvertaken || (kept && kept.startedAt.mono > read.startedAt.mono)) return
      entries.set(name, read)
      readAt.set(name, read.startedAt.mono)
      const names = namesOf.get(read.record.userId) ?? new Set()
      namesOf.set(read.record.userId, names.add(name))
    },

    forget(userId, sid) {
      const names = sid === null ? [...(namesOf.get(userId) ?? [])] : [nameOf({ userId, sid })]
      for (const name of names) entries.delete(name)
    },

    clear: () => entries.clear(),

    status(maxStaleness) {
      const now = clock.mono()
      for (const [name, startedAt] of readAt) {
        if (now - startedAt <= maxStaleness) return { entries: entries.size, oldest: now - startedAt }
        entries.delete(name)
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
