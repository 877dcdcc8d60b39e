import type { Code } from './errors.js'
import type { StandingRecord } from './ports/store.js'
import type { AccessTokenClaims } from './tokens/access-token.js'

export type Standing =
  | { readonly stands: true; readonly record: StandingRecord }
  | { readonly stands: false; readonly code: Code }

/**
 * The one decision: does this genuine token's session stand at `now` (epoch milliseconds)? Pure. Every comparison is
 * written so that a missing or odd value refuses.
 */
export function decideStanding(
  claims: AccessTokenClaims,
  record: StandingRecord | null,
  accepted: readonly string[],
  now: number,
): Standing {
  if (record === null || !isSameSession(claims, record)) return refused('session_ended')
  if (record.tokenVersion !== record.user.tokenVersion) return refused('session_ended')
  // Above the row's: a database set back by a restore, or a token nobody issued.
  if (!(claims.tokenVersion <= record.tokenVersion)) return refused('session_ended')
  if (claims.jti !== record.jti) return refused('session_ended')
  if (!accepted.some((audience) => claims.audience.includes(audience) && record.audience.includes(audience))) {
    return refused('token_invalid')
  }
  if (isSuspended(record.user.suspendedUntil, now)) return refused('user_suspended')
  if (!(now < record.idleExpiresAt && now < record.expiresAt)) return refused('session_expired')
  return { stands: true, record }
}

export function isSuspended(until: number | null, now: number): boolean {
  return until !== null && !(until <= now)
}

/** An engine that compares ids more loosely than byte for byte must not hand out another's row. */
function isSameSession(claims: AccessTokenClaims, record: StandingRecord): boolean {
  return claims.userId === record.userId && claims.sid === record.sid
}

function refused(code: Code): Standing {
  return { stands: false, code }
}
