import { announce, askStore, askToEnd } from './ask-store.js'
import type { Context } from './context.js'
import { draftEvent, type ChangeOptions } from './change.js'
import { RollcallError } from './errors.js'
import { canonicalUserId, checkSid, isTokenId, type UserId } from './ids.js'
import { checkAccessToken } from './tokens/access-token.js'
import { isRefreshToken } from './tokens/refresh-token.js'

export interface Revoked {
  /** How many standing sessions this ended. */
  readonly revoked: number
}

export interface RevokedMany extends Revoked {
  /** The user's version after the change. */
  readonly tokenVersion: number
}

export async function revoke<Claims, Transaction>(
  context: Context<Claims, Transaction>,
  userId: UserId,
  sid: string,
  options: ChangeOptions<Transaction> | undefined,
): Promise<{ revoked: 0 | 1 }> {
  checkSid(sid)
  const user = canonicalUserId(userId)
  const event = draftEvent(context, 'revoke', { type: 'session_revoked', userId: user, sid, reason: 'logout' }, options)
  if (!isTokenId(sid)) return { revoked: 0 }
  const ended = await askToEnd(context, { userId: user, sid }, () =>
    askStore(context, options?.transaction, (store, scope) => store.remove({ userId: user, sid }, event, scope)),
  )
  if (ended) announce(context, { ...event, tokenVersion: null }, options?.transaction)
  return { revoked: ended ? 1 : 0 }
}

/** By a genuine token, access or refresh, expired or spent or not: a logout must work late. A forged one logs nobody out. */
export async function revokeToken<Claims, Transaction>(
  context: Context<Claims, Transaction>,
  token: string,
  options: ChangeOptions<Transaction> | undefined,
): Promise<{ revoked: 0 | 1 }> {
  const { accessTokens, refreshTokens, policy, clock } = context
  if (isRefreshToken(token)) {
    // A process that has no refresh secret can't tell whether it is genuine; another one can.
    if (refreshTokens === null) throw new RollcallError('key_unavailable')
    const { userId, sid } = await refreshTokens.read(token)
    return revoke(context, userId, sid, options)
  }
  const claims = await accessTokens.read(token)
  checkAccessToken(claims, policy, policy.audience, clock.wall())
  return revoke(context, claims.userId, claims.sid, options)
}

export async function revokeOthers<Claims, Transaction>(
  context: Context<Claims, Transaction>,
  userId: UserId,
  keepSid: string,
  options: ChangeOptions<Transaction> | undefined,
): Promise<RevokedMany> {
  // A text that can't be a sid would keep nothing: a mistake of the caller that would log the user out here, too.
  if (!isTokenId(keepSid)) throw new TypeError('keepSid must be a sid')
  return raise(context, canonicalUserId(userId), keepSid, options)
}

export async function revokeAll<Claims, Transaction>(
  context: Context<Claims, Transaction>,
  userId: UserId,
  options: ChangeOptions<Transaction> | undefined,
): Promise<RevokedMany> {
  return raise(context, canonicalUserId(userId), null, options)
}

async function raise<Claims, Transaction>(
  context: Context<Claims, Transaction>,
  userId: string,
  keepSid: string | null,
  options: ChangeOptions<Transaction> | undefined,
): Promise<RevokedMany> {
  const event =
    keepSid === null
      ? draftEvent(
          context,
          'revokeAll',
          { type: 'all_sessions_revoked', userId, sid: null, reason: 'logout everywhere' },
          options,
        )
      : draftEvent(
          context,
          'revokeOthers',
          { type: 'other_sessions_revoked', userId, sid: keepSid, reason: 'logout others' },
          options,
        )
  const raised = await askToEnd(context, { userId, sid: null }, () =>
    askStore(context, options?.transaction, (store, scope) =>
      store.raiseVersion(userId, { keepSid, onlyWhile: null }, event, scope),
    ),
  )
  if (raised === null) throw new TypeError('the store left out a change that had no condition')
  announce(context, { ...event, tokenVersion: raised.tokenVersion }, options?.transaction)
  return { revoked: raised.revoked, tokenVersion: raised.tokenVersion }
}
