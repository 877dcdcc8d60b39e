import { chooseAudience } from './audience.js'
import { askStore } from './ask-store.js'
import type { Context } from './context.js'
import { RollcallError } from './errors.js'
import { noteUse } from './note-use.js'
import { checkOptions } from './options.js'
import { decideStanding } from './standing.js'
import { readAccessToken } from './tokens/access-token.js'

export interface VerifyOptions {
  /** Accept only these audiences. Default: all that were given to `createSessions`. */
  readonly audience?: string | readonly string[] | undefined
}

/** A token that was accepted, and what it was accepted on. */
export interface Verified<Claims> {
  readonly userId: string
  readonly sid: string
  readonly jti: string
  /** What the `claims` callback returned when the token was issued. */
  readonly claims: Claims
  /** When the access token expires. */
  readonly expiresAt: Date
  /** When the user last proved who they are (`auth_time`). */
  readonly authenticatedAt: Date
  readonly amr: readonly string[] | null
  readonly acr: string | null
  /** Where the answer came from. */
  readonly source: 'store'
  /** When that read began: a revoke committed before this moment was seen. */
  readonly checkedAt: Date
}

/** Size and form, signature, claims, and only then one query: what is forged costs the store nothing. */
export async function verify<Claims, Transaction>(
  context: Context<Claims, Transaction>,
  accessToken: string,
  options: VerifyOptions | undefined,
): Promise<Verified<Claims>> {
  checkOptions('verify', options, ['audience'])
  const { keys, policy, clock } = context
  const accepted = chooseAudience(policy.audience, options?.audience)
  const now = clock.wall()
  const claims = await readAccessToken(keys, policy, accessToken, now, accepted)
  if (claims.expiresAt + policy.clockTolerance <= now) {
    // Without refresh tokens it lives as long as its session, and its client may only log in again.
    throw new RollcallError(policy.accessToken === null ? 'session_expired' : 'token_expired')
  }
  const checkedAt = clock.wall()
  const [record] = await askStore(context, undefined, (store, { signal }) => store.lookup([claims], { signal }))
  const standing = decideStanding(claims, record ?? null, { ...policy, audience: accepted }, clock.wall())
  if (!standing.stands) throw new RollcallError(standing.code)
  noteUse(context, standing.record, claims.jti)
  const { authenticatedAt, amr, acr } = standing.record
  return {
    userId: claims.userId,
    sid: claims.sid,
    jti: claims.jti,
    // The payload was signed by these keys, and only `mintClaims` puts custom names into it.
    claims: claims.custom as Claims,
    expiresAt: new Date(claims.expiresAt),
    authenticatedAt: new Date(authenticatedAt),
    amr,
    acr,
    source: 'store',
    checkedAt: new Date(checkedAt),
  }
}
