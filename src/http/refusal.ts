import { codes, isRollcallError, RollcallError, type Code } from '../errors.js'

/** A refusal with what HTTP wants to be said beside its code. */
export class Refusal extends RollcallError {
  readonly headers: Readonly<Record<string, string>>
  /** `Set-Cookie` lines. */
  readonly cookies: readonly string[]

  constructor(code: Code, headers: Readonly<Record<string, string>>, cookies: readonly string[] = []) {
    super(code)
    this.headers = headers
    this.cookies = cookies
  }
}

/** The challenge of a guard that wants a newer or a stronger login (RFC 9470, section 3). */
export function stepUpChallenge(maxAge: number | null, acr: readonly string[] | null): string {
  const parameters = [
    'error="insufficient_user_authentication"',
    ...(acr === null ? [] : [`acr_values="${acr.join(' ')}"`]),
    ...(maxAge === null ? [] : [`max_age="${Math.floor(maxAge / 1_000)}"`]),
  ]
  return `Bearer ${parameters.join(', ')}`
}

/**
 * Whether what a cookie held was no token that a session could have been found by. An access token never needs a key that is
 * missing: what claims to is a refresh token, which has no place there.
 */
export function isNoToken(error: unknown): error is RollcallError {
  if (!isRollcallError(error)) return false
  return codes[error.code].status < 500 || error.code === 'key_unavailable'
}
