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
  /** The later of `iat` and `nbf`. */
  readonly notBefore: number
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
 * What of a token does not change with time: its signature, its issuer and the types of its claims. Its custom claims are
 * frozen, since one reading serves every request that shows the token.
 * @throws RollcallError `token_malformed`, `token_invalid`
 */
export async function readAccessToken(keys: KeyRing, issuer: string, token: unknown): Promise<AccessTokenClaims> {
  const payload = await keys.verify(type, token)
  const { iss, sub, aud, exp, iat, nbf, jti, sid, tokenVersion } = payload
  const audience = Array.isArray(aud) ? (aud as unknown[]) : [aud]
  const isValid =
    iss === issuer &&
    isUserId(sub) &&
    audience.every((entry) => typeof entry === 'string') &&
    isNumericDate(exp) &&
    isNumericDate(iat) &&
    (nbf === undefined || isNumericDate(nbf)) &&
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
    notBefore: Math.max(iat, nbf ?? 0) * 1_000,
    expiresAt: exp * 1_000,
    custom: deepFreeze(customClaims(payload)),
  }
}

/**
 * What does: whether it is for one of these audiences and not of the future. Expiry is left to the caller, since a logout
 * takes an expired token too.
 * @throws RollcallError `token_invalid`
 */
export function checkAccessToken(
  { audience, notBefore }: AccessTokenClaims,
  { clockTolerance }: AccessTokenPolicy,
  accepted: readonly string[],
  now: number,
): void {
  const isForUs = audience.some((entry) => accepted.includes(entry))
  if (!isForUs || !(notBefore <= now + clockTolerance)) throw new RollcallError('token_invalid')
}

function deepFreeze<Value>(value: Value): Value {
  if (typeof value !== 'object' || value === null) return value
  Object.values(value).forEach(deepFreeze)
  return Object.freeze(value)
}

/** RFC 7519 NumericDate: whole seconds here, within what a `Date` can hold. Milliseconds by mistake are refused. */
function isNumericDate(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) > 0 && (value as number) < 100_000_000_000
}
