import type { Device } from '../device.js'

/**
 * What a store rejects with when the fault lies in what one row or key holds, and not in the way there: others of the same
 * read may do better without it.
 */
export class StoreDataError extends Error {
  override get name(): string {
    return 'StoreDataError'
  }
}

/** Names one session. Both parts are checked before a store sees them. */
export interface SessionKey {
  readonly userId: string
  readonly sid: string
}

/** What the decision needs to know of a session and its user. Times are epoch milliseconds. */
export interface SessionRecord extends SessionKey {
  readonly tokenVersion: number
  readonly jti: string
  readonly audience: readonly string[]
  readonly createdAt: number
  readonly authenticatedAt: number
  readonly amr: readonly string[] | null
  readonly acr: string | null
  readonly lastSeenAt: number
  /** Milliseconds without use after which the session ends. */
  readonly idleLifetime: number
  /** `lastSeenAt + idleLifetime`, never above `expiresAt`: so one column tells when a row is dead. */
  readonly idleExpiresAt: number
  readonly expiresAt: number
  /** Where its refresh tokens stand; `null` for a session without any. */
  readonly rotation: Rotation | null
}

/** How far the refresh tokens of a session have come. */
export interface Rotation {
  /** The number of the current refresh token; grows by one with every new one. */
  readonly generation: number
  /** When the current pair was made. */
  readonly rotatedAt: number
  /** When the current pair was first seen in use; `null` while nobody has shown that it arrived. */
  readonly usedAt: number | null
  /** The access token that the current one followed; `null` when it must not work any more. */
  readonly previousJti: string | null
}

/** What a row knows of its current refresh token. No token can be made of it. */
export interface RefreshTokenRecord {
  readonly hash: string
  /** What it was derived from its predecessor with; `null` for that of the login. */
  readonly salt: string | null
  /** Names the secret it was made under. */
  readonly secretId: string
}

/** A session with its user's state, as one read sees both. */
export interface StandingRecord extends SessionRecord {
  readonly user: UserRecord
}

export interface ListedSession extends SessionRecord {
  readonly device: Device
}

/** All that a refresh needs to know, as one read sees it. */
export interface RefreshRecord extends StandingRecord {
  readonly device: Device
  readonly refreshToken: RefreshTokenRecord | null
}

export interface UserRecord {
  readonly tokenVersion: number
  /** Epoch milliseconds until which the user is suspended; `null` when not. */
  readonly suspendedUntil: number | null
}

export type SessionEventType =
  | 'session_revoked'
  | 'refresh_token_reused'
  | 'other_sessions_revoked'
  | 'all_sessions_revoked'
  | 'user_suspended'
  | 'user_reinstated'

/** One row of the events table: what changed, by whom, why. */
export interface SessionEvent {
  /** Unique, made by the caller before the write: the id of a rolled-back row is never seen again. */
  readonly id: string
  readonly type: SessionEventType
  readonly userId: string
  /**
   * The session that ended, or with `other_sessions_revoked` the one that was kept, or with a `refresh_token_reused` that
   * has a `tokenVersion` the one that ended them all; else `null` when all are meant.
   */
  readonly sid: string | null
  /** The user's version after the change; `null` when the change left it alone. */
  readonly tokenVersion: number | null
  readonly reason: string
  /** Who did it; `null` when nobody was named. */
  readonly actor: string | null
  readonly at: number
}

/** An event as a verb hands it to a store, which completes it with what only the write can know. */
export type EventDraft = Omit<SessionEvent, 'tokenVersion'>

/** In which transaction a method runs, and what ends it early. */
export interface Scope<Transaction> {
  /** The caller's own open transaction; every statement runs on it, and no other connection is touched. */
  readonly transaction?: Transaction | undefined
  /** When it aborts, the caller has stopped waiting: the connection in use is given up. Never set beside `transaction`. */
  readonly signal?: AbortSignal | undefined
}

export type InsertOutcome =
  | { readonly outcome: 'created'; readonly tokenVersion: number }
  | { readonly outcome: 'moved' }
  | { readonly outcome: 'suspended' }

export interface RaisedVersion {
  readonly tokenVersion: number
  /** How many standing sessions the change ended. */
  readonly revoked: number
}

/**
 * The hot verbs. Contract for every method: ids compare byte for byte; one user's call never touches another's rows;
 * a session row is inserted once and afterwards only changed by conditional updates, so that nothing revives a
 * deleted row; a fault rejects and is never an answer. A conflict with another transaction rejects with
 * `transaction_conflict` and leaves nothing written; outside of a caller's transaction the core then asks again.
 */
export interface SessionStore<Transaction> {
  /**
   * Reads sessions with their users, in the order of the keys, `null` for none. Sees everything committed before the
   * call. Rejects with a `StoreDataError` for what one of the keys alone is to blame for.
   */
  lookup(keys: readonly SessionKey[], scope: Scope<never>): Promise<(StandingRecord | null)[]>
  /** Reads a user; an unseen one has version 0. */
  readUser(userId: string, scope: Scope<Transaction>): Promise<UserRecord>
  /**
   * Locks the user row (made when absent) and inserts the session under the user's version, if that is the expected one
   * (`null`: any) and the user is not suspended at `session.createdAt`. Atomic.
   */
  insert(session: NewSession, expectedTokenVersion: number | null, scope: Scope<Transaction>): Promise<InsertOutcome>
  /** Deletes one session and writes the event if it stood. Atomic. Answers whether a standing session ended. */
  remove(key: SessionKey, event: EventDraft, scope: Scope<Transaction>): Promise<boolean>
  /**
   * Raises the user's version by one, stamps the new one on the kept session if it still stands, writes the event.
   * Atomic; one user row and at most one session row are written, however many sessions there are. With `onlyWhile` it
   * does nothing and answers `null` unless that session stands.
   */
  raiseVersion(
    userId: string,
    change: { readonly keepSid: string | null; readonly onlyWhile: string | null },
    event: EventDraft,
    scope: Scope<Transaction>,
  ): Promise<RaisedVersion | null>
  /**
   * Moves last-seen to `at`, and the idle expiry with it, of those of these sessions that were last seen longer ago than
   * `interval`, or than a tenth of their idle lifetime where that is shorter. Not atomic over the sessions.
   */
  touch(
    keys: readonly SessionKey[],
    seen: { readonly at: number; readonly interval: number },
    scope: Scope<never>,
  ): Promise<void>
  /** Names the device of a standing session. Answers whether there is one. */
  rename(key: SessionKey, name: string | null, now: number, scope: Scope<Transaction>): Promise<boolean>
  /** The standing sessions of a user, newest first, ties by `sid` descending, strictly after the cursor. */
  list(userId: string, page: ListPage, scope: Scope<Transaction>): Promise<ListedSession[]>
}

export interface NewSession extends Omit<SessionRecord, 'tokenVersion'> {
  readonly device: Device
  readonly refreshToken: RefreshTokenRecord | null
}

/** What a rotation writes. */
export interface RotatedSession {
  readonly jti: string
  readonly rotation: Rotation
  readonly refreshToken: RefreshTokenRecord
  /** These two never move back: a later use may have been noted since the row was read. */
  readonly lastSeenAt: number
  readonly idleExpiresAt: number
  /** Its name and kind are the row's own and not written. */
  readonly device: Device
}

/** What refreshing asks of a store. Never within a transaction of the caller: a pair is handed out once it is committed. */
export interface RefreshStore {
  /** Reads one session. Sees everything committed before the call. */
  readForRefresh(key: SessionKey, scope: Scope<never>): Promise<RefreshRecord | null>
  /**
   * Compare-and-set: writes the rotation if the row's refresh token still has this hash, and with `onlyUnused` if it is
   * not marked as used. One conditional update; of many callers at once one gets `true`, after its commit.
   */
  rotate(
    key: SessionKey,
    from: { readonly hash: string; readonly onlyUnused: boolean },
    rotated: RotatedSession,
    scope: Scope<never>,
  ): Promise<boolean>
  /** Marks the current pair as used, if `jti` is still the session's and the mark is not there. */
  markUsed(key: SessionKey, jti: string, at: number, scope: Scope<never>): Promise<void>
}

export interface ListPage {
  readonly now: number
  readonly limit: number
  readonly after: { readonly createdAt: number; readonly sid: string } | null
}

export interface PrunePolicy {
  /** Sessions dead at this time are deleted. */
  readonly now: number
  /** Events older than this are deleted. */
  readonly eventsBefore: number
  readonly batchSize: number
}

export interface PruneCounts {
  readonly sessions: number
  readonly events: number
  /** Whether dead rows may be left. */
  readonly more: boolean
}

/** What administrators and timers call. */
export interface AdminStore<Transaction> {
  /** Sets or clears (`null`) the suspension and writes the event. Atomic. */
  suspend(userId: string, until: number | null, event: EventDraft, scope: Scope<Transaction>): Promise<void>
  /** Deletes at most `batchSize` dead sessions and as many old events, by primary key; safe from many processes at once. */
  pruneBatch(policy: PrunePolicy, scope: Scope<never>): Promise<PruneCounts>
}

/** An event with its number in the log. Numbers are taken when events are written, so a later one may be seen first. */
export interface LoggedEvent extends SessionEvent {
  readonly seq: number
}

export interface EventRows {
  /** By number, ascending; of one user descending. */
  readonly events: readonly LoggedEvent[]
  /** Rows among them that hold something else than an event. */
  readonly unreadable: readonly { readonly seq: number; readonly error: Error }[]
}

export interface UserEventsPage {
  readonly limit: number
  readonly after: number | null
}

export interface EventPage extends EventRows {
  /** The greatest number in the log; `null` when it is empty. */
  readonly last: number | null
  /**
   * Which transactions were running when this was read, by numbers that are given out in order: all below `oldest` were
   * over, and none that was running had `next` or more. `null` where the store can't tell.
   */
  readonly transactions: { readonly oldest: number; readonly next: number } | null
}

/** How a change becomes known: the events table, and when a caller's transaction is over. */
export interface EventLog<Transaction> {
  /** At most `limit` committed events with greater numbers than this; with `null` the last ones there are. */
  readEvents(after: number | null, limit: number, scope: Scope<never>): Promise<EventPage>
  /** The committed events among those of these numbers, of which there are 1 to 500. */
  readEventsAt(seqs: readonly number[], scope: Scope<never>): Promise<EventRows>
  /**
   * At most `limit` events of this user with lesser numbers than `after` (`null`: the last ones there are), by number
   * descending. Rows that hold something else count, and are among the unreadable.
   */
  readUserEvents(userId: string, page: UserEventsPage, scope: Scope<Transaction>): Promise<EventRows>
  /** Which of these events are committed, asked on a connection outside any of the caller's transactions. */
  committed(eventIds: readonly string[], scope: Scope<never>): Promise<string[]>
  /** Resolves when the outermost transaction around this one is over, either way. Never rejects; may never resolve. */
  settled(transaction: Transaction): Promise<void>
}

/** A session store of one engine. `rollcall/testing` has the suite every store passes. */
export interface Store<Transaction = never>
  extends SessionStore<Transaction>, RefreshStore, AdminStore<Transaction>, EventLog<Transaction> {
  /** Throws a `TypeError` unless the value is an open transaction of this store's kind. */
  assertTransaction(transaction: unknown): void
  /** Which settings of the database weaken a promise, in words for an operator, as far as is known by now. */
  weakened?(): readonly string[]
}
