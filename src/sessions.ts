import { askStoreUntil } from './ask-store.js'
import { create, type CreateOptions } from './create.js'
import type { ChangeOptions } from './change.js'
import type { ClaimsShape } from './claims.js'
import { createBackground, type Context } from './context.js'
import { events, type AccountEvent, type EventsOptions } from './events.js'
import type { UserId } from './ids.js'
import { list, type ListOptions, type SessionListEntry } from './list.js'
import { createLookup } from './lookup/lookup.js'
import { createUses } from './note-use.js'
import { openOutbox } from './outbox/outbox.js'
import { createNotifier, type EventMap, type Listener } from './notifier.js'
import { systemClock } from './ports/clock.js'
import { systemRandom } from './ports/random.js'
import type { PruneCounts } from './ports/store.js'
import { prune, type PruneOptions } from './prune.js'
import { refresh, type Refreshed, type RefreshOptions } from './refresh.js'
import { rename, type RenameOptions } from './rename.js'
import { revoke, revokeAll, revokeOthers, revokeToken, type RevokedMany } from './revoke.js'
import { readPolicy, type RefreshTokenOptions, type SessionsOptions } from './settings.js'
import { status, type SessionsStatus } from './status.js'
import { reinstate, suspend, type SuspendOptions } from './suspend.js'
import { tokenVersion, type TokenVersionOptions } from './token-version.js'
import type { TokenPair } from './token-pair.js'
import { watch, type WatchedSession } from './watch/watch.js'
import type { WatchListener } from './watch/events.js'
import { createWatches } from './watch/watches.js'
import { createAccessTokenReader } from './tokens/access-token-reader.js'
import { createRefreshTokens } from './tokens/refresh-token.js'
import { verify, type Verified, type VerifyOptions } from './verify.js'

/**
 * The verbs. All reject with a `RollcallError` whose `code` is the contract, or a `TypeError` for a caller's mistake.
 * Each writing verb is atomic and takes the caller's own `transaction`.
 */
export interface Sessions<
  Claims = Record<never, never>,
  Transaction = never,
  RefreshText extends string | null = string | null,
> {
  /**
   * Logs in: one session on one device, and its tokens. Pass `expectedTokenVersion` wherever credentials are checked.
   * @throws RollcallError `token_version_moved`, `user_suspended`, `transaction_conflict`, `store_unavailable`
   */
  create(options: CreateOptions<Transaction>): Promise<TokenPair<RefreshText>>
  /**
   * Accepts a token only while its session stands: one read of the store that starts after this call.
   * @throws RollcallError `token_malformed`, `token_invalid`, `token_expired`, `session_ended`, `session_expired`,
   * `user_suspended`, `store_unavailable`
   */
  verify(accessToken: string, options?: VerifyOptions): Promise<Verified<Claims>>
  /**
   * Swaps a refresh token for the next pair. However often, wherever and with whatever lost answers a client asks, it
   * gets one and the same successor; a token that is spent for good ends its session (design: `docs/refresh.md`). The
   * pair is committed when this resolves, and a refresh that fails burns nothing: the same token may be shown again.
   * @throws RollcallError `refresh_token_invalid`, `refresh_token_reused`, `session_ended`, `session_expired`,
   * `user_suspended`, `key_unavailable`, `store_behind`, `store_unavailable`
   * @throws TypeError without the option `refreshToken`
   */
  refresh(refreshToken: string, options?: RefreshOptions): Promise<Refreshed>
  /** The standing sessions of a user, newest first; `[]` when there are none. */
  list(userId: UserId, options?: ListOptions<Transaction>): Promise<SessionListEntry[]>
  /**
   * What became of a user's sessions, by whom and why, newest first: logouts, reuse, suspensions. Logins, and sessions that just
   * expire, are no events, and `prune` deletes the old ones.
   * @throws TypeError where the store is of a third party and can't tell (`readUserEvents`)
   */
  events(userId: UserId, options?: EventsOptions<Transaction>): Promise<AccountEvent[]>
  /** Gives a device a name (cleaned, at most 100 characters; empty takes the name away). */
  rename(userId: UserId, sid: string, name: string, options?: RenameOptions<Transaction>): Promise<{ renamed: 0 | 1 }>
  /** Logs one device out. A `sid` of another user is the same `{ revoked: 0 }` as an unknown one. */
  revoke(userId: UserId, sid: string, options?: ChangeOptions<Transaction>): Promise<{ revoked: 0 | 1 }>
  /**
   * Logs out the device that holds this genuine token, access or refresh, expired or not. Idempotent.
   * @throws RollcallError `token_malformed`, `token_invalid`, `refresh_token_invalid`: a forged token logs nobody out;
   * `key_unavailable` where its refresh secret is not known
   */
  revokeToken(token: string, options?: ChangeOptions<Transaction>): Promise<{ revoked: 0 | 1 }>
  /** Logs out all devices but one. Logins under way that were checked before this are refused. */
  revokeOthers(userId: UserId, keepSid: string, options?: ChangeOptions<Transaction>): Promise<RevokedMany>
  /** Logs out every device. Logins under way that were checked before this are refused. */
  revokeAll(userId: UserId, options?: ChangeOptions<Transaction>): Promise<RevokedMany>
  /**
   * The user's version, 0 for a user never seen. Read it before you read the password's hash, and pass it to `create`:
   * then a login that passed with an old password can't outlive the change of it.
   */
  tokenVersion(userId: UserId, options?: TokenVersionOptions<Transaction>): Promise<number>
  /** Refuses the user's logins and tokens until then, without ending the sessions. */
  suspend(userId: UserId, options?: SuspendOptions<Transaction>): Promise<void>
  /** Ends a suspension; sessions that have not expired meanwhile stand again. */
  reinstate(userId: UserId, options?: ChangeOptions<Transaction>): Promise<void>
  /** Deletes dead sessions and old events in small batches. Nothing calls it for you: run it from a timer or a job. */
  prune(options?: PruneOptions): Promise<PruneCounts>
  /** Calls the listener after a change has committed. Answers what ends the registration. */
  on<Name extends keyof EventMap>(name: Name, listener: Listener<EventMap[Name]>): () => void
  /**
   * Tells what becomes of a session, without being asked: `standing` first, then `expiring`, `devices`, and at the last
   * `ended`, with the code that a verify would refuse it with. What other processes did it hears of by the outbox, and by
   * reading again from time to time (`watch.recheckInterval`). A store that does not answer ends nothing. All watches share
   * one timer. Answers what ends the watch.
   * @throws TypeError for what names no session
   */
  watch(session: WatchedSession, listener: WatchListener): () => void
  /** What the caches and reads of this process are doing, and which settings weaken which promise. */
  status(): SessionsStatus
  /** Ends all watches (`closed`), and waits for background writes. The store's Knex instance stays open: it is yours. */
  close(): Promise<void>
}

/**
 * Builds the verbs over a store.
 * @example
 * const sessions = createSessions({ store: memoryStore(), keys, issuer: 'https://api.example.com', audience: 'https://api.example.com' })
 * @throws TypeError when an option is unknown, missing or of a wrong type
 */
export function createSessions<Claims extends ClaimsShape<Claims> = Record<never, never>, Transaction = never>(
  options: SessionsOptions<Claims, Transaction> & { readonly refreshToken: RefreshTokenOptions },
): Sessions<Claims, Transaction, string>
/** The same without refresh tokens, or where it is not known before the program runs whether there are any. */
export function createSessions<Claims extends ClaimsShape<Claims> = Record<never, never>, Transaction = never>(
  options: SessionsOptions<Claims, Transaction>,
): Sessions<Claims, Transaction>
export function createSessions<Claims extends ClaimsShape<Claims>, Transaction>(
  options: SessionsOptions<Claims, Transaction>,
): Sessions<Claims, Transaction> {
  const context = createContext(options)
  return {
    create: (options) => create(context, options),
    verify: (accessToken, options) => verify(context, accessToken, options),
    refresh: (refreshToken, options) => refresh(context, refreshToken, options),
    list: (userId, options) => list(context, userId, options),
    events: (userId, options) => events(context, userId, options),
    rename: (userId, sid, name, options) => rename(context, userId, sid, name, options),
    revoke: (userId, sid, options) => revoke(context, userId, sid, options),
    revokeToken: (token, options) => revokeToken(context, token, options),
    revokeOthers: (userId, keepSid, options) => revokeOthers(context, userId, keepSid, options),
    revokeAll: (userId, options) => revokeAll(context, userId, options),
    tokenVersion: (userId, options) => tokenVersion(context, userId, options),
    suspend: (userId, options) => suspend(context, userId, options),
    reinstate: (userId, options) => reinstate(context, userId, options),
    prune: (options) => prune(context, options),
    on: (name, listener) => context.notifier.on(name, listener),
    watch: (session, listener) => watch(context, session, listener),
    status: () => status(context),
    async close() {
      context.watches.close()
      await context.background.close()
      await context.outbox?.close()
    },
  }
}

function createContext<Claims, Transaction>(
  options: SessionsOptions<Claims, Transaction>,
): Context<Claims, Transaction> {
  const policy = readPolicy(options)
  const { store, keys, claims, refreshToken, clock = systemClock, random = systemRandom } = options
  if (typeof store?.lookup !== 'function')
    throw new TypeError("store must be a session store, such as postgresStore(knex) of 'rollcall/postgres'")
  if (policy.outbox !== null && typeof store.readEvents !== 'function')
    throw new TypeError('outbox needs a store whose events can be read: it has no readEvents')
  if (typeof keys?.verify !== 'function') throw new TypeError('keys must be a key ring: await createKeyRing(...)')
  if (claims !== undefined && typeof claims !== 'function') throw new TypeError('claims must be a function')
  const context: Context<Claims, Transaction> = {
    store,
    keys,
    accessTokens: createAccessTokenReader(keys, policy.issuer, policy.cacheSize.tokens),
    lookup: createLookup(
      clock,
      { maxStaleness: policy.maxStaleness, cacheSize: policy.cacheSize.sessions },
      (sessions, signal) => askStoreUntil(context, signal, () => store.lookup(sessions, { signal })),
      // Each is only made here, and hears of the other later.
      {
        changed: (userId, sid) => context.watches.changed(userId, sid),
        changedAll: () => context.watches.changedAll(),
      },
    ),
    watches: createWatches({
      clock,
      storeTimeout: policy.storeTimeout,
      recheckInterval: policy.recheckInterval,
      read: (key, timeout) => context.lookup.read(key, timeout),
      fault: (error) => context.notifier.emit('error', { error, during: 'listener' }),
    }),
    refreshTokens: refreshToken === undefined ? null : createRefreshTokens(refreshToken.secret, policy.issuer, random),
    claims,
    policy,
    clock,
    random,
    notifier: createNotifier(),
    background: createBackground(),
    uses: createUses(),
    outbox: policy.outbox === null ? null : openOutbox(() => context, clock, policy.outbox),
  }
  for (const name of ['revoked', 'suspended'] as const) context.notifier.on(name, context.watches.heard)
  return context
}
