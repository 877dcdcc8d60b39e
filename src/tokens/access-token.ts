import { customClaims } from '../claims.js'
import { RollcallError } from '../errors.js'
import { isTokenId, isUserId } from '../ids.js'
import type { NewSession } from '../ports/store.js'
import type { KeyRing } from './key-ring.js'

const type = 'at+jwt'

/** Who issues and for whom, and how far clocks may differ. */
export interface AccessTokenPolicy {
  readonly issuer: string
  readonly audience: readonly string[]
  readonly clockTolerance: number
}

/** The claims of a genuine access token, of the right types. Times are epoch milliseconds. */
export interface AccessTokenClaims {
  readonly userId: string
  readonly sid: string
  readonly jti: string
  readonly tokenVersion: number
  readonly audience: readonly string[]
  readonly expiresAt: number
  readonly custom: Readonly<Record<string, unknown>>
}

/** Own tokens stay under the 8 KB that are read, whatever key signs, and near the 4 KB that cookies hold. */
const maximumPayload = 4_500

export type AccessTokenPayload = Readonly<Record<string, unknown>> & { readonly exp: number }

/**
 * The payload of a session's access token (RFC 9068), completed at signing with the row's `tokenVersion`.
 * @throws TypeError when the claims are too large
 */
export function accessTokenPayload(
  issuer: string,
  session: Omit<NewSession, 'device' | 'refreshToken'>,
  { now, expiresAt }: { readonly now: number; readonly expiresAt: number },
  custom: Readonly<Record<string, unknown>>,
): AccessTokenPayload {
  const payload = {
    ...custom,
    iss: issuer,
    sub: session.userId,
    aud: session.audience.length === 1 ? session.audience[0] : session.audience,
    // Whole seconds must not round a token away.
    exp: Math.max(Math.floor(expiresAt / 1_000), Math.floor(now / 1_000) + 1),
    iat: Math.floor(now / 1_000),
    jti: session.jti,
    sid: session.sid,
    auth_time: Math.floor(session.authenticatedAt / 1_000),
    ...(session.amr !== null && { amr: session.amr }),
    ...(session.acr !== null && { acr: session.acr }),
  }
  if (new TextEncoder().encode(JSON.stringify(payload)).length > maximumPayload) {
    throw new TypeError(`the claims of an access token must not exceed ${maximumPayload} bytes`)
  }
  return payload
}

export function signAccessToken(
  keys: KeyRing,
  payload: Readonly<Record<string, unknown>>,
  tokenVersion: number,
): Promise<string> {
  return keys.sign(type, { ...payload, tokenVersion })
}

/**
 * Signature first, then the claims, the audience among the accepted ones; expiry is left to the caller, since a logout
 * takes an expired token too.
 * @throws RollcallError `token_malformed`, `token_invalid`
 */
export async function readAccessToken(
  keys: KeyRing,
  policy: AccessTokenPolicy,
  token: unknown,
  now: number,
  accepted: readonly string[],
): Promise<AccessTokenClaims> {
  const payload = await keys.verify(type, token)
  const { iss, sub, aud, exp, iat, nbf, jti, sid, tokenVersion } = payload
  const audience = Array.isArray(aud) ? (aud as unknown[]) : [aud]
  const latest = now + policy.clockTolerance
  const isValid =
    iss === policy.issuer &&
    isUserId(sub) &&
    audience.every((entry) => typeof entry === 'string') &&
    audience.some((entry) => accepted.includes(entry)) &&
    isNumericDate(exp) &&
    isNumericDate(iat) &&
    iat * 1_000 <= latest &&
    (nbf === undefined || (isNumericDate(nbf) && nbf * 1_000 <= latest)) &&
    isTokenId(jti) &&
    isTokenId(sid) &&
    Number.isSafeInteger(tokenVersion) &&
    (tokenVersion as number) >= 0
  if (!isValid) throw new RollcallError('token_invalid')
  return {
    userId: sub,
    sid,
    jti,
    tokenVersion: tokenVersion as number,
    audience,
    expiresAt: exp * 1_000,
    custom: customClaims(payload),
  }
}

/** RFC 7519 NumericDate: whole seconds here, within what a `Date` can hold. Milliseconds by mistake are refused. */
function isNumericDate(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) > 0 && (value as number) < 100_000_000_000
}
