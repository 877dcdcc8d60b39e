import { mintClaims } from './claims.js'
import type { Context } from './context.js'
import type { ListedSession } from './ports/store.js'
import { toSession, type Session } from './session.js'
import { accessTokenPayload, signAccessToken, type AccessTokenPayload } from './tokens/access-token.js'
import { fractionOf } from './tokens/format.js'
import type { RefreshToken } from './tokens/refresh-token.js'

/** What a login or a refresh gives the client. `RefreshText` is `string` where refresh tokens are configured. */
export interface TokenPair<RefreshText extends string | null = string | null> {
  readonly accessToken: string
  /** When the access token expires. */
  readonly expiresAt: Date
  /** `null` in single-token mode. */
  readonly refreshToken: RefreshText
  /** The end of the session, which the refresh token never outlives; unused it ends at `session.idleExpiresAt`. */
  readonly refreshTokenExpiresAt: RefreshText extends string ? Date : null
  readonly session: Session
}

/** A session whose `tokenVersion` need not be known yet. */
type Minted = Omit<ListedSession, 'tokenVersion'>

/**
 * The payload of a session's access token, to be signed with its `tokenVersion`. Asks the app for its claims.
 * @throws TypeError for claims that are no JSON object, too large, or take a registered name
 */
export async function mintPayload<Claims, Transaction>(
  context: Context<Claims, Transaction>,
  session: Minted,
  transaction: Transaction | undefined,
): Promise<AccessTokenPayload> {
  const { userId } = session
  const custom = await mintClaims(context.claims, { userId, session: toSession(session), transaction })
  const now = context.clock.wall()
  return accessTokenPayload(context.policy.issuer, session, { now, expiresAt: expiryOf(context, session, now) }, custom)
}

export async function signPair<Claims, Transaction>(
  { keys }: Context<Claims, Transaction>,
  payload: AccessTokenPayload,
  session: Minted,
  tokenVersion: number,
  refreshToken: RefreshToken | null,
): Promise<TokenPair> {
  return {
    accessToken: await signAccessToken(keys, payload, tokenVersion),
    expiresAt: new Date(payload.exp * 1_000),
    refreshToken: refreshToken && refreshToken.text,
    refreshTokenExpiresAt: refreshToken && new Date(session.expiresAt),
    session: toSession(session),
  }
}

/** Sooner by a part of the jitter that the `jti` decides, so that a token delivered again has the same lifetime. */
function expiryOf<Claims, Transaction>(
  { policy: { accessToken } }: Context<Claims, Transaction>,
  { jti, expiresAt }: Minted,
  now: number,
): number {
  if (accessToken === null) return expiresAt
  return Math.min(now + accessToken.lifetime - Math.floor(accessToken.jitter * fractionOf(jti)), expiresAt)
}
