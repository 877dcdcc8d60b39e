import type { Context } from '../context.js'
import { canonicalUserId, checkSid, isTokenId, type UserId } from '../ids.js'
import type { WatchListener } from './events.js'

/** What names a session: what `verify` answered, for example. */
export interface WatchedSession {
  readonly userId: UserId
  readonly sid: string
}

export function watch<Claims, Transaction>(
  { watches, background }: Context<Claims, Transaction>,
  { userId, sid }: WatchedSession,
  listener: WatchListener,
): () => void {
  if (background.isClosed) throw new TypeError('this sessions object is closed')
  if (typeof listener !== 'function') throw new TypeError('listener must be a function')
  checkSid(sid)
  const key = { userId: canonicalUserId(userId), sid }
  if (!isTokenId(sid)) throw new TypeError('sid must be a sid')
  return watches.add(key, listener)
}
