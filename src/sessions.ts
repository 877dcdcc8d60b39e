import { LRUCache } from 'lru-cache'
import { create, type Created, type CreateOptions } from './create.js'
import type { ChangeOptions } from './change.js'
import type { ClaimsCallback, ClaimsShape } from './claims.js'
import { createBackground, type Context } from './context.js'
import { toMilliseconds, type Duration } from './durations.js'
import type { UserId } from './ids.js'
import { list, type ListOptions, type SessionListEntry } from './list.js'
import { createNotifier, type EventMap, type Listener } from './notifier.js'
import { checkOptions, checkText, checkTexts } from './options.js'
import { systemClock, type Clock } from './ports/clock.js'
import { systemRandom, type Random } from './ports/random.js'
import type { PruneCounts, Store } from './ports/store.js'
import { prune, type PruneOptions } from './prune.js'
import { rename, type RenameOptions } from './rename.js'
import { revoke, revokeAll, revokeOthers, revokeToken, type RevokedMany } from './revoke.js'
import { reinstate, suspend, type SuspendOptions } from './suspend.js'
import { tokenVersion, type TokenVersionOptions } from './token-version.js'
import type { KeyRing } from './tokens/key-ring.js'
import { verify, type Verified, type VerifyOptions } from './verify.js'

export interface SessionsOptions<Claims, Transaction> {
  /** Where the roll is kept: `postgresStore(knex)`, `mysqlStore(knex)`, `sqliteStore(knex)` or `memoryStore()`. */
  readonly store: Store<Transaction>
  /** From `createKeyRing`. */
  readonly keys: KeyRing
  /** The `iss` of every token; compared exactly. */
  readonly issuer: string
  /** The `aud` of every token, one or several; also the allowlist for `create` and `verify`. */
  readonly audience: string | readonly string[]
  readonly session?:
    | {
        /** Absolute lifetime, 1 second to 3650 days. Default `'30d'`. */
        readonly lifetime?: Duration | undefined
        /** Lifetime without use, 1 second to 3650 days. Default `'7d'`. */
        readonly idleLifetime?: Duration | undefined
        /** How often the use of a session is written down, at the least a tenth of its idle lifetime. Default `'1m'`. */
        readonly lastSeenInterval?: Duration | undefined
      }
    | undefined
  /** Custom claims, asked for at every mint; `verify` gives them back with this type. */
  readonly claims?: ClaimsCallback<Claims, Transaction> | undefined
  /** How far the clocks of nodes may differ, 0 to 5 minutes. Default `'5s'`. */
  readonly clockTolerance?: Duration | undefined
  /** How long a call waits for the store before it fails with `store_unavailable`, 10 ms to 5 minutes. Default `'5s'`. */
  readonly storeTimeout?: Duration | undefined
  /** Default: the system's. */
  readonly clock?: Clock | undefined
  /** Default: `crypto.getRandomValues`. */
  readonly random?: Random | undefined
}

/**
 * The verbs. All reject with a `RollcallError` whose `code` is the contract, or a `TypeError` for a caller's mistake.
 * Each writing verb is atomic and takes the caller's own `transaction`.
 */
export interface Sessions<Claims, Transaction> {
  /**
   * Logs in: one session on one device, and its access token. Pass `expectedTokenVersion` wherever credentials are checked.
   * @throws RollcallError `token_version_moved`, `user_suspended`, `transaction_conflict`, `store_unavailable`
   */
  create(options: CreateOptions<Transaction>): Promise<Created>
  /**
   * Accepts a token only while its session stands: one read of the store that starts after this call.
   * @throws RollcallError `token_malformed`, `token_invalid`, `session_ended`, `session_expired`, `user_suspended`, `store_unavailable`
   */
  verify(accessToken: string, options?: VerifyOptions): Promise<Verified<Claims>>
  /** The standing sessions of a user, newest first; `[]` when there are none. */
  list(userId: UserId, options?: ListOptions<Transaction>): Promise<SessionListEntry[]>
  /** Gives a device a name (cleaned, at most 100 characters; empty takes the name away). */
  rename(userId: UserId, sid: string, name: string, options?: RenameOptions<Transaction>): Promise<{ renamed: 0 | 1 }>
  /** Logs one device out. A `sid` of another user is the same `{ revoked: 0 }` as an unknown one. */
  revoke(userId: UserId, sid: string, options?: ChangeOptions<Transaction>): Promise<{ revoked: 0 | 1 }>
  /**
   * Logs out the device that holds this genuine token, expired or not. Idempotent.
   * @throws RollcallError `token_malformed`, `token_invalid`: a forged token logs nobody out
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
  /** Waits for background writes. The store's Knex instance stays open: it is yours. */
  close(): Promise<void>
}

/**
 * Builds the verbs over a store.
 * @example
 * const sessions = createSessions({ store: memoryStore(), keys, issuer: 'https://api.example.com', audience: 'https://api.example.com' })
 * @throws TypeError when an option is unknown, missing or of a wrong type
 */
export function createSessions<Claims extends ClaimsShape<Claims> = Record<never, never>, Transaction = never>(
  options: SessionsOptions<Claims, Transaction>,
): Sessions<Claims, Transaction> {
  const context = createContext(options)
  return {
    create: (options) => create(context, options),
    verify: (accessToken, options) => verify(context, accessToken, options),
    list: (userId, options) => list(context, userId, options),
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
    close: () => context.background.close(),
  }
}

const known = [
  'store',
  'keys',
  'issuer',
  'audience',
  'session',
  'claims',
  'clockTolerance',
  'storeTimeout',
  'clock',
  'random',
]

function createContext<Claims, Transaction>(
  options: SessionsOptions<Claims, Transaction>,
): Context<Claims, Transaction> {
  checkOptions('createSessions', options, known)
  const { store, keys, claims, session = {} } = options
  checkOptions('session', session, ['lifetime', 'idleLifetime', 'lastSeenInterval'])
  // Defaults stand in for what is left out, never for a null that was meant to say something.
  const { lifetime = '30d', idleLifetime = '7d', lastSeenInterval = '1m' } = session
  const { clockTolerance = '5s', storeTimeout = '5s', clock = systemClock, random = systemRandom } = options
  if (typeof store?.lookup !== 'function')
    throw new TypeError("store must be a session store, such as postgresStore(knex) of 'rollcall/postgres'")
  if (typeof keys?.verify !== 'function') throw new TypeError('keys must be a key ring: await createKeyRing(...)')
  if (claims !== undefined && typeof claims !== 'function') throw new TypeError('claims must be a function')
  return {
    store,
    keys,
    claims,
    policy: {
      issuer: checkText('issuer', options.issuer, 255),
      audience: checkTexts('audience', options.audience, 255),
      lifetime: toMilliseconds(lifetime, 'session.lifetime', '1s', '3650d'),
      idleLifetime: toMilliseconds(idleLifetime, 'session.idleLifetime', '1s', '3650d'),
      lastSeenInterval: toMilliseconds(lastSeenInterval, 'session.lastSeenInterval', '1s', '1d'),
      clockTolerance: toMilliseconds(clockTolerance, 'clockTolerance', 0, '5m'),
      storeTimeout: toMilliseconds(storeTimeout, 'storeTimeout', '10ms', '5m'),
    },
    clock,
    random,
    notifier: createNotifier(),
    background: createBackground(),
    usesNoted: new LRUCache({ max: 10_000 }),
  }
}
