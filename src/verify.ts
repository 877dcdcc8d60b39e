import { chooseAudience } from './audience.js'
import type { Context, Policy } from './context.js'
import { toMilliseconds, type Duration } from './durations.js'
import { RollcallError } from './errors.js'
import { isFresh, type Found } from './lookup/session-cache.js'
import { noteUse } from './note-use.js'
import { checkOptions } from './options.js'
import { momentOf } from './ports/clock.js'
import { decideStanding } from './standing.js'
import { isEnough, readStepUp, type StepUpOptions } from './step-up.js'
import { checkAccessToken, type AccessTokenClaims } from './tokens/access-token.js'

export interface VerifyOptions extends StepUpOptions {
  /** Accept only these audiences. Default: all that were given to `createSessions`. */
  readonly audience?: string | readonly string[] | undefined
  /** How old the read may be that this rests on; never older than the settings allow. 0 asks the store. */
  readonly maxStaleness?: Duration | undefined
  /** Whether the session is in use by this, so that its idle lifetime begins anew. `false` for what asks by itself. Default `true`. */
  readonly countsAsUse?: boolean | undefined
}

const known = ['audience', 'maxStaleness', 'requireRecentLogin', 'acr', 'countsAsUse']

/** A token that was accepted, and what it was accepted on. */
export interface Verified<Claims> {
  readonly userId: string
  readonly sid: string
  readonly jti: string
  /** What the `claims` callback returned when the token was issued; frozen, since one reading of a token serves all. */
  readonly claims: Claims
  /** When the access token expires. */
  readonly expiresAt: Date
  /** When the session ends if it is not used before; as it was written last. */
  readonly idleExpiresAt: Date
  /** When the session ends in any case. */
  readonly sessionExpiresAt: Date
  /** When the user last proved who they are (`auth_time`). */
  readonly authenticatedAt: Date
  readonly amr: readonly string[] | null
  readonly acr: string | null
  /** Where the answer came from. */
  readonly source: 'store' | 'cache'
  /** When that read began: a revoke committed before this moment was seen. */
  readonly checkedAt: Date
}

/**
 * Size and form, signature, claims, and only then the session: what is forged costs the store nothing. A refusal always
 * rests on a read that began after this call; an acceptance on one that is no older than `maxStaleness` when it is made.
 */
export async function verify<Claims, Transaction>(
  context: Context<Claims, Transaction>,
  accessToken: string,
  options: VerifyOptions | undefined,
): Promise<Verified<Claims>> {
  checkOptions('verify', options, known)
  const { accessTokens, policy, clock, background } = context
  if (background.isClosed) throw new TypeError('this sessions object is closed')
  const accepted = chooseAudience(policy.audience, options?.audience)
  const maxStaleness = chooseStaleness(policy.maxStaleness, options?.maxStaleness)
  const stepUp = readStepUp(options ?? {})
  const begun = momentOf(clock)
  const reading = accessTokens.read(accessToken)
  // A token that is known is no reason to wait.
  const claims = reading instanceof Promise ? await reading : reading
  const now = reading instanceof Promise ? momentOf(clock) : begun
  checkAccessToken(claims, policy, accepted, now.wall)
  if (claims.expiresAt + policy.clockTolerance <= now.wall) {
    // Without refresh tokens it lives as long as its session, and its client may only log in again.
    throw new RollcallError(policy.accessToken === null ? 'session_expired' : 'token_expired')
  }
  const rules = options?.audience === undefined ? policy : { ...policy, audience: accepted }
  const kept = maxStaleness > 0 ? context.lookup.recall(claims, maxStaleness, now) : undefined
  const standing = kept && decideStanding(claims, kept.record, rules, now.wall)
  const isKept = kept !== undefined && standing?.stands === true
  const found = isKept ? kept : await readStanding(context, claims, rules, maxStaleness, begun.mono)
  // Last, and so of a session that stands: what a login must be like is nobody else's business.
  if (stepUp !== null && !isEnough(found.record, stepUp, clock.wall()))
    throw new RollcallError('insufficient_user_authentication')
  noteUse(context, found.record, claims.jti, options?.countsAsUse)
  return toVerified(claims, found, isKept ? 'cache' : 'store')
}

/** Reads until there is an answer that may be given: at most three times, and within `storeTimeout` of the beginning. */
async function readStanding<Claims, Transaction>(
  { lookup, clock, policy }: Context<Claims, Transaction>,
  claims: AccessTokenClaims,
  rules: Policy,
  maxStaleness: number,
  begun: number,
): Promise<Found> {
  for (let attempt = 1; attempt <= 3; attempt += 1) {
    const timeout = policy.storeTimeout - (clock.mono() - begun)
    if (timeout <= 0) break
    const joined = maxStaleness > 0 && attempt === 1 ? lookup.join(claims, maxStaleness, timeout) : null
    // A read of others that fails may have begun when the store was down: this call makes one of its own.
    const read = await (joined?.catch(() => null) ?? lookup.read(claims, timeout))
    if (read === null) continue
    const now = momentOf(clock)
    const standing = decideStanding(claims, read.record, rules, now.wall)
    // With a bound, a read that took longer than it is too old to be accepted on.
    if (standing.stands && (maxStaleness === 0 || isFresh(read.startedAt, maxStaleness, now))) return read as Found
    // One that began before this call may have missed the login of this very token.
    if (!standing.stands && joined === null) throw new RollcallError(standing.code)
  }
  const why = maxStaleness === 0 ? 'storeTimeout is over' : 'reads take longer than maxStaleness allows'
  throw new RollcallError('store_unavailable', { cause: new Error(why) })
}

/** A call may be stricter than the settings, never laxer. */
function chooseStaleness(configured: number, named: Duration | undefined): number {
  return named === undefined ? configured : Math.min(configured, toMilliseconds(named, 'maxStaleness', 0, '1h'))
}

function toVerified<Claims>(
  claims: AccessTokenClaims,
  { record, startedAt }: Found,
  source: 'store' | 'cache',
): Verified<Claims> {
  const { idleExpiresAt, expiresAt, authenticatedAt, amr, acr } = record
  return {
    userId: claims.userId,
    sid: claims.sid,
    jti: claims.jti,
    // The payload was signed by these keys, and only `mintClaims` puts custom names into it.
    claims: claims.custom as Claims,
    expiresAt: new Date(claims.expiresAt),
    idleExpiresAt: new Date(idleExpiresAt),
    sessionExpiresAt: new Date(expiresAt),
    authenticatedAt: new Date(authenticatedAt),
    amr,
    acr,
    source,
    checkedAt: new Date(startedAt.wall),
  }
}
