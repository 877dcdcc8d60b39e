import type { Code } from './errors.js'
import type { Rotation, SessionKey, StandingRecord } from './ports/store.js'
import type { AccessTokenClaims } from './tokens/access-token.js'

export type Standing<Session extends StandingRecord = StandingRecord> =
  | { readonly stands: true; readonly record: Session }
  | { readonly stands: false; readonly code: Code }

/** What of the settings a decision needs. Milliseconds. */
export interface StandingPolicy {
  /** How long an access token works on after a refresh replaced it, and a spent refresh token is answered with its successor. */
  readonly grace: number
  /** How far the clocks of nodes may differ. */
  readonly clockTolerance: number
}

/**
 * The one decision: does this genuine access token's session stand at `now` (epoch milliseconds)? Pure. Every comparison
 * is written so that a missing or odd value refuses.
 */
export function decideStanding(
  claims: AccessTokenClaims,
  record: StandingRecord | null,
  policy: StandingPolicy & { readonly audience: readonly string[] },
  now: number,
): Standing {
  if (!isOnRoll(claims, record)) return refused('session_ended')
  // A version above the row's is of a database that was set back since. The session stands, so where there are refresh
  // tokens, one of them tells its client what became of this token.
  const isCurrent = claims.jti === record.jti || isPrevious(claims.jti, record.rotation, policy, now)
  if (!isCurrent || !(claims.tokenVersion <= record.tokenVersion)) {
    return refused(record.rotation === null ? 'session_ended' : 'token_expired')
  }
  if (!policy.audience.some((entry) => claims.audience.includes(entry) && record.audience.includes(entry))) {
    return refused('token_invalid')
  }
  return decideLife(record, now)
}

/** The same apart from which of the session's tokens is shown: for a genuine refresh token see `rotation.ts`. */
export function decideSessionStanding<Session extends StandingRecord>(
  key: SessionKey,
  record: Session | null,
  now: number,
): Standing<Session> {
  return isOnRoll(key, record) ? decideLife(record, now) : refused('session_ended')
}

/** A node whose clock is behind sees a rotation of the future: that, too, is within grace. */
export function isWithinGrace(rotatedAt: number, policy: StandingPolicy, now: number): boolean {
  return now < rotatedAt + policy.grace + policy.clockTolerance
}

export function isSuspended(until: number | null, now: number): boolean {
  return until !== null && !(until <= now)
}

/** There is a row, it is this very session's, and no version was raised over it. */
function isOnRoll<Session extends StandingRecord>(key: SessionKey, record: Session | null): record is Session {
  // An engine that compares ids more loosely than byte for byte must not hand out another's row.
  const isSame = record !== null && key.userId === record.userId && key.sid === record.sid
  return isSame && record.tokenVersion === record.user.tokenVersion
}

function isPrevious(jti: string, rotation: Rotation | null, policy: StandingPolicy, now: number): boolean {
  return rotation !== null && jti === rotation.previousJti && isWithinGrace(rotation.rotatedAt, policy, now)
}

function decideLife<Session extends StandingRecord>(record: Session, now: number): Standing<Session> {
  if (isSuspended(record.user.suspendedUntil, now)) return refused('user_suspended')
  if (!(now < record.idleExpiresAt && now < record.expiresAt)) return refused('session_expired')
  return { stands: true, record }
}

function refused(code: Code): { readonly stands: false; readonly code: Code } {
  return { stands: false, code }
}
