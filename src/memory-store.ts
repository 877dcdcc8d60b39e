import type {
  EventPage,
  EventRows,
  InsertOutcome,
  ListPage,
  NewSession,
  PruneCounts,
  PrunePolicy,
  RaisedVersion,
  RefreshRecord,
  RotatedSession,
  LoggedEvent,
  SessionEvent,
  SessionKey,
  SessionRecord,
  StandingRecord,
  Store,
  UserRecord,
} from './ports/store.js'
import { lastSeenInterval } from './note-use.js'
import { isSuspended } from './standing.js'

type StoredSession = Omit<RefreshRecord, 'user'>

interface User {
  record: UserRecord
  readonly sessions: Map<string, StoredSession>
}

/** All rows of one store. Every method's body runs without an await in it, so every method is atomic. */
interface Rows {
  readonly users: Map<string, User>
  readonly events: LoggedEvent[]
  lastSeq: number
}

/**
 * The reference store: everything in this process's memory, gone with it, seen by no other. For tests and for trying
 * the library; it has no transactions.
 */
export function memoryStore(): Store {
  const rows: Rows = { users: new Map(), events: [], lastSeq: 0 }
  return {
    ...sessionMethods(rows),
    ...refreshMethods(rows),
    ...userMethods(rows),
    ...administrationMethods(rows),
    assertTransaction() {
      throw new TypeError('the memory store has no transactions')
    },
  }
}

function sessionMethods(rows: Rows): Pick<Store, 'lookup' | 'insert' | 'remove' | 'touch' | 'rename' | 'list'> {
  const { users } = rows
  return {
    async lookup(keys): Promise<(StandingRecord | null)[]> {
      return keys.map(({ userId, sid }) => {
        const user = users.get(userId)
        const session = user?.sessions.get(sid)
        return user && session ? { ...session, user: user.record } : null
      })
    },

    async insert(session: NewSession, expected): Promise<InsertOutcome> {
      const { record, sessions } = userOf(rows, session.userId)
      if (expected !== null && expected !== record.tokenVersion) return { outcome: 'moved' }
      if (isSuspended(record.suspendedUntil, session.createdAt)) return { outcome: 'suspended' }
      sessions.set(session.sid, { ...session, tokenVersion: record.tokenVersion })
      return { outcome: 'created', tokenVersion: record.tokenVersion }
    },

    async remove(key, event): Promise<boolean> {
      const stood = findStanding(rows, key, event.at) !== undefined
      users.get(key.userId)?.sessions.delete(key.sid)
      if (stood) log(rows, { ...event, tokenVersion: null })
      return stood
    },

    async touch(keys, { at, interval }): Promise<void> {
      for (const { userId, sid } of keys) {
        const sessions = users.get(userId)?.sessions
        const session = sessions?.get(sid)
        if (!session || session.lastSeenAt >= at - lastSeenInterval(session, interval)) continue
        const idleExpiresAt = Math.min(at + session.idleLifetime, session.expiresAt)
        sessions?.set(sid, { ...session, lastSeenAt: at, idleExpiresAt })
      }
    },

    async rename(key, name, now): Promise<boolean> {
      const session = findStanding(rows, key, now)
      if (session) userOf(rows, key.userId).sessions.set(key.sid, { ...session, device: { ...session.device, name } })
      return session !== undefined
    },

    async list(userId, page): Promise<StoredSession[]> {
      const user = users.get(userId)
      if (!user) return []
      return [...user.sessions.values()]
        .filter((session) => isAlive(session, user.record.tokenVersion, page.now) && isAfter(session, page.after))
        .toSorted(newestFirst)
        .slice(0, page.limit)
    },
  }
}

function refreshMethods({ users }: Rows): Pick<Store, 'readForRefresh' | 'rotate' | 'markUsed'> {
  return {
    async readForRefresh({ userId, sid }): Promise<RefreshRecord | null> {
      const user = users.get(userId)
      const session = user?.sessions.get(sid)
      return user && session ? { ...session, user: user.record } : null
    },

    async rotate({ userId, sid }, { hash, onlyUnused }, rotated: RotatedSession): Promise<boolean> {
      const sessions = users.get(userId)?.sessions
      const session = sessions?.get(sid)
      if (!session || session.refreshToken?.hash !== hash) return false
      if (onlyUnused && session.rotation?.usedAt !== null) return false
      const { ip, userAgent } = rotated.device
      const lastSeenAt = Math.max(session.lastSeenAt, rotated.lastSeenAt)
      const idleExpiresAt = Math.max(session.idleExpiresAt, rotated.idleExpiresAt)
      const device = { ...session.device, ip, userAgent }
      sessions?.set(sid, { ...session, ...rotated, lastSeenAt, idleExpiresAt, device })
      return true
    },

    async markUsed({ userId, sid }, jti, at): Promise<void> {
      const sessions = users.get(userId)?.sessions
      const session = sessions?.get(sid)
      if (session?.jti !== jti || session.rotation?.usedAt !== null) return
      sessions?.set(sid, { ...session, rotation: { ...session.rotation, usedAt: at } })
    },
  }
}

function userMethods(rows: Rows): Pick<Store, 'readUser' | 'raiseVersion' | 'suspend'> {
  return {
    async readUser(userId): Promise<UserRecord> {
      return rows.users.get(userId)?.record ?? { tokenVersion: 0, suspendedUntil: null }
    },

    async raiseVersion(userId, { keepSid, onlyWhile }, event): Promise<RaisedVersion | null> {
      if (onlyWhile !== null && !findStanding(rows, { userId, sid: onlyWhile }, event.at)) return null
      const user = userOf(rows, userId)
      const standing = [...user.sessions.values()].filter((row) => isAlive(row, user.record.tokenVersion, event.at))
      const kept = standing.find((session) => session.sid === keepSid)
      const tokenVersion = user.record.tokenVersion + 1
      user.record = { ...user.record, tokenVersion }
      if (kept) user.sessions.set(kept.sid, { ...kept, tokenVersion })
      log(rows, { ...event, tokenVersion })
      return { tokenVersion, revoked: standing.length - (kept ? 1 : 0) }
    },

    async suspend(userId, until, event): Promise<void> {
      const user = userOf(rows, userId)
      user.record = { ...user.record, suspendedUntil: until }
      log(rows, { ...event, tokenVersion: null })
    },
  }
}

function administrationMethods({
  users,
  events,
}: Rows): Pick<Store, 'pruneBatch' | 'readEvents' | 'readEventsAt' | 'readUserEvents' | 'committed' | 'settled'> {
  return {
    async pruneBatch({ now, eventsBefore, batchSize }: PrunePolicy): Promise<PruneCounts> {
      const dead = [...users.values()].flatMap(({ record, sessions }) =>
        [...sessions.values()].filter((session) => !isAlive(session, record.tokenVersion, now)),
      )
      for (const { userId, sid } of dead.slice(0, batchSize)) users.get(userId)?.sessions.delete(sid)
      const old = events.filter((event) => event.at < eventsBefore).slice(0, batchSize)
      events.splice(0, events.length, ...events.filter((event) => !old.includes(event)))
      const more = dead.length > batchSize || old.length === batchSize
      return { sessions: Math.min(dead.length, batchSize), events: old.length, more }
    },

    async readEvents(after, limit): Promise<EventPage> {
      const found = after === null ? events.slice(-limit) : events.filter(({ seq }) => seq > after).slice(0, limit)
      return {
        events: found,
        unreadable: [],
        last: events.at(-1)?.seq ?? null,
        transactions: { oldest: 0, next: 0 },
      }
    },

    async readEventsAt(seqs): Promise<EventRows> {
      return { events: events.filter(({ seq }) => seqs.includes(seq)), unreadable: [] }
    },

    async readUserEvents(userId, { limit, after }): Promise<EventRows> {
      const found = events.filter((event) => event.userId === userId && (after === null || event.seq < after))
      return { events: found.slice(-limit).toReversed(), unreadable: [] }
    },

    async committed(eventIds): Promise<string[]> {
      return eventIds.filter((id) => events.some((event) => event.id === id))
    },

    async settled(): Promise<void> {},
  }
}

function log(rows: Rows, event: SessionEvent): void {
  rows.lastSeq += 1
  rows.events.push({ ...event, seq: rows.lastSeq })
}

function userOf({ users }: Rows, userId: string): User {
  const user = users.get(userId) ?? { record: { tokenVersion: 0, suspendedUntil: null }, sessions: new Map() }
  users.set(userId, user)
  return user
}

function findStanding({ users }: Rows, key: SessionKey, now: number): StoredSession | undefined {
  const user = users.get(key.userId)
  const session = user?.sessions.get(key.sid)
  return user && session && isAlive(session, user.record.tokenVersion, now) ? session : undefined
}

function isAlive(session: SessionRecord, tokenVersion: number, now: number): boolean {
  return session.tokenVersion === tokenVersion && session.idleExpiresAt > now
}

function isAfter(session: SessionRecord, cursor: ListPage['after']): boolean {
  return cursor === null || newestFirst(session, cursor) > 0
}

function newestFirst(a: { createdAt: number; sid: string }, b: { createdAt: number; sid: string }): number {
  return b.createdAt - a.createdAt || (a.sid < b.sid ? 1 : a.sid > b.sid ? -1 : 0)
}
