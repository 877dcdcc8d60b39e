import type { ClaimsCallback } from './claims.js'
import type { Policy } from './context.js'
import { toMilliseconds, type Duration } from './durations.js'
import { checkChoice, checkCount, checkOptions, checkText, checkTexts } from './options.js'
import type { Bus } from './ports/bus.js'
import type { Clock } from './ports/clock.js'
import type { Random } from './ports/random.js'
import type { Store } from './ports/store.js'
import type { RedeliverTo } from './rotation.js'
import type { KeyRing } from './tokens/key-ring.js'
import type { RefreshSecret } from './tokens/refresh-token.js'

export interface SessionsOptions<Claims = Record<never, never>, Transaction = never> {
  /** Where the roll is kept: `postgresStore(knex)`, `mysqlStore(knex)`, `sqliteStore(knex)` or `memoryStore()`. */
  readonly store: Store<Transaction>
  /** From `createKeyRing`. */
  readonly keys: KeyRing
  /** The `iss` of every token; compared exactly. */
  readonly issuer: string
  /** The `aud` of every token, one or several; also the allowlist for `create` and `verify`. */
  readonly audience: string | readonly string[]
  /** Only beside `refreshToken`: without one, access tokens live as long as their session. */
  readonly accessToken?: AccessTokenOptions | undefined
  /** Default: none are issued (single-token mode). */
  readonly refreshToken?: RefreshTokenOptions | undefined
  readonly session?: SessionOptions | undefined
  readonly freshness?: FreshnessOptions | undefined
  readonly cacheSize?: CacheSizeOptions | undefined
  /**
   * Listen to what other processes revoke, suspend and reinstate, by reading the events table. Default: don't; then what
   * is kept is bounded by `freshness.maxStaleness` alone, and `on('revoked')` tells of this process only.
   */
  readonly outbox?: OutboxOptions | undefined
  readonly watch?: WatchOptions | undefined
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

export interface AccessTokenOptions {
  /** 1 second to 30 days. Default `'10m'`. */
  readonly lifetime?: Duration | undefined
  /**
   * By how much the lifetime may be shorter, 0 to half of it, so that clients which logged in together do not refresh
   * together. Default: a twentieth of the lifetime.
   */
  readonly jitter?: Duration | undefined
}

export interface RefreshTokenOptions {
  /**
   * 32 or more random bytes (`openssl rand -base64 32`), or several such secrets: the first makes tokens, all read
   * them. A new one goes behind the old one on every node first, then in front of it; the old one goes when the sessions
   * of its time have ended.
   */
  readonly secret: RefreshSecret
  /**
   * For how long a pair is not replaced, and after a refresh the access token before works on and the refresh token
   * before is answered with its successor, used or not; for these two `clockTolerance` is added. 1 second to 1 hour,
   * and best well above `clockTolerance`. Default `'30s'`.
   */
  readonly grace?: Duration | undefined
  /** Whose sessions a spent refresh token ends: its own, or all of the user. Default `'revoke'`. */
  readonly onReuse?: 'revoke' | 'revokeAll' | undefined
  /**
   * Who is given the successor of a spent refresh token again: whoever shows it, or not whoever comes from another ip
   * and has not the same user agent as the refresh before; that counts as reuse. It takes `device.ip` at every refresh to
   * tell. Default `'anyone'`.
   */
  readonly redeliverTo?: RedeliverTo | undefined
}

export interface FreshnessOptions {
  /**
   * How long after a revoke committed a verify may still accept: 0 to 1 hour. Above 0, sessions are kept in this process
   * for so long, and a verify of one asks nobody. Default 0: every verify asks the store.
   */
  readonly maxStaleness?: Duration | undefined
}

/** How much this process remembers. What does not fit is read again. */
export interface CacheSizeOptions {
  /** Access tokens whose signature was verified: 0 to 1,000,000, of 64 MB at most. Default 20,000. */
  readonly tokens?: number | undefined
  /** Sessions, where `freshness.maxStaleness` lets any be kept: 1 to 1,000,000. Default 100,000. */
  readonly sessions?: number | undefined
}

export interface SessionOptions {
  /** Absolute lifetime, 1 second to 3650 days. Default `'30d'`. */
  readonly lifetime?: Duration | undefined
  /** Lifetime without use, 1 second to 3650 days. Default `'7d'`. */
  readonly idleLifetime?: Duration | undefined
  /** How often the use of a session is written down, at the least a tenth of its idle lifetime. Default `'1m'`. */
  readonly lastSeenInterval?: Duration | undefined
}

export interface WatchOptions {
  /**
   * How old what a watch has read may get before it is read again, 1 second to 1 hour: the bound for all that is not heard
   * of. Default `'1m'`.
   */
  readonly recheckInterval?: Duration | undefined
}

export interface OutboxOptions {
  /** How often this process looks for what others have committed, 10 ms to 1 minute. Default `'1s'`. */
  readonly pollInterval?: Duration | undefined
  /**
   * MySQL and MariaDB: how long a transaction may be open whose changes must still be found, 1 second to 10 minutes.
   * Default `'10s'`. Of Postgres and SQLite it is known which transactions are over.
   */
  readonly window?: Duration | undefined
  /** What wakes this process at once, such as `postgresBus(knex)` of 'rollcall/bus/postgres'. Default: none. */
  readonly bus?: Bus | undefined
  /** How often the bus is tested by a message to itself, 100 ms to 1 minute; a deaf one is noticed within three. Default `'5s'`. */
  readonly heartbeat?: Duration | undefined
}

const known =
  'store keys issuer audience accessToken refreshToken session freshness cacheSize outbox watch claims clockTolerance storeTimeout clock random'.split(
    ' ',
  )

/** Defaults stand in for what is left out, never for a null that was meant to say something. */
export function readPolicy<Claims, Transaction>(options: SessionsOptions<Claims, Transaction>): Policy {
  checkOptions('createSessions', options, known)
  const { clockTolerance = '5s', storeTimeout = '5s' } = options
  return {
    issuer: checkText('issuer', options.issuer, 255),
    audience: checkTexts('audience', options.audience, 255),
    ...readSession(options.session),
    ...readCaches(options.freshness, options.cacheSize),
    ...readRefresh(options.accessToken, options.refreshToken),
    outbox: options.outbox === undefined ? null : readOutbox(options.outbox),
    recheckInterval: readRecheckInterval(options.watch),
    clockTolerance: toMilliseconds(clockTolerance, 'clockTolerance', 0, '5m'),
    storeTimeout: toMilliseconds(storeTimeout, 'storeTimeout', '10ms', '5m'),
  }
}

function readSession(options: SessionOptions = {}): Pick<Policy, 'lifetime' | 'idleLifetime' | 'lastSeenInterval'> {
  checkOptions('session', options, ['lifetime', 'idleLifetime', 'lastSeenInterval'])
  const { lifetime = '30d', idleLifetime = '7d', lastSeenInterval = '1m' } = options
  return {
    lifetime: toMilliseconds(lifetime, 'session.lifetime', '1s', '3650d'),
    idleLifetime: toMilliseconds(idleLifetime, 'session.idleLifetime', '1s', '3650d'),
    lastSeenInterval: toMilliseconds(lastSeenInterval, 'session.lastSeenInterval', '1s', '1d'),
  }
}

function readCaches(
  freshness: FreshnessOptions = {},
  cacheSize: CacheSizeOptions = {},
): Pick<Policy, 'maxStaleness' | 'cacheSize'> {
  checkOptions('freshness', freshness, ['maxStaleness'])
  checkOptions('cacheSize', cacheSize, ['tokens', 'sessions'])
  const { maxStaleness = 0 } = freshness
  const { tokens = 20_000, sessions = 100_000 } = cacheSize
  return {
    maxStaleness: toMilliseconds(maxStaleness, 'freshness.maxStaleness', 0, '1h'),
    cacheSize: {
      tokens: checkCount('cacheSize.tokens', tokens, 0, 1_000_000),
      sessions: checkCount('cacheSize.sessions', sessions, 1, 1_000_000),
    },
  }
}

function readOutbox(options: OutboxOptions): Policy['outbox'] {
  checkOptions('outbox', options, ['pollInterval', 'window', 'bus', 'heartbeat'])
  const { pollInterval = '1s', window = '10s', bus, heartbeat = '5s' } = options
  if (bus !== undefined && !isBus(bus))
    throw new TypeError(
      "outbox.bus must be a bus, such as postgresBus(knex) of 'rollcall/bus/postgres', and not a client or a connection",
    )
  return {
    pollInterval: toMilliseconds(pollInterval, 'outbox.pollInterval', '10ms', '1m'),
    window: toMilliseconds(window, 'outbox.window', '1s', '10m'),
    bus: bus ?? null,
    heartbeat: toMilliseconds(heartbeat, 'outbox.heartbeat', '100ms', '1m'),
  }
}

function readRecheckInterval(options: WatchOptions = {}): number {
  checkOptions('watch', options, ['recheckInterval'])
  const { recheckInterval = '1m' } = options
  return toMilliseconds(recheckInterval, 'watch.recheckInterval', '1s', '1h')
}

/** Clients of Redis can be connected, too. */
function isBus(value: unknown): boolean {
  const isObject = typeof value === 'object' && value !== null
  return isObject && 'connect' in value && typeof value.connect === 'function' && !('duplicate' in value)
}

function readRefresh(
  accessToken: AccessTokenOptions = {},
  refreshToken: RefreshTokenOptions | undefined,
): Pick<Policy, 'accessToken' | 'grace' | 'onReuse' | 'redeliverTo'> {
  checkOptions('accessToken', accessToken, ['lifetime', 'jitter'])
  if (refreshToken === undefined) {
    if (Object.keys(accessToken).length > 0)
      throw new TypeError('accessToken needs refreshToken: without one an access token lives as long as its session')
    return { accessToken: null, grace: 0, onReuse: 'revoke', redeliverTo: 'anyone' }
  }
  checkOptions('refreshToken', refreshToken, ['secret', 'grace', 'onReuse', 'redeliverTo'])
  const { grace = '30s', onReuse = 'revoke', redeliverTo = 'anyone' } = refreshToken
  const { lifetime: accessLifetime = '10m' } = accessToken
  const lifetime = toMilliseconds(accessLifetime, 'accessToken.lifetime', '1s', '30d')
  const { jitter = Math.floor(lifetime / 20) } = accessToken
  return {
    accessToken: { lifetime, jitter: toMilliseconds(jitter, 'accessToken.jitter', 0, Math.floor(lifetime / 2)) },
    grace: toMilliseconds(grace, 'refreshToken.grace', '1s', '1h'),
    onReuse: checkChoice('refreshToken.onReuse', onReuse, ['revoke', 'revokeAll']),
    redeliverTo: checkChoice('refreshToken.redeliverTo', redeliverTo, ['anyone', 'same device']),
  }
}
