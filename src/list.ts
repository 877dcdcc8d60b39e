import { askStore } from './ask-store.js'
import type { Context } from './context.js'
import { canonicalUserId, checkSid, isTokenId, type UserId } from './ids.js'
import { checkCount, checkOptions } from './options.js'
import { toSession, type Session } from './session.js'

export interface ListOptions<Transaction> {
  /** The `sid` of the session that asks: its entry comes back with `current: true`. */
  readonly current?: string | undefined
  /** At most how many, 1 to 1000. Default 100. */
  readonly limit?: number | undefined
  /** The cursor: the last session of the page before. */
  readonly after?: Pick<Session, 'sid' | 'createdAt'> | undefined
  readonly transaction?: Transaction | undefined
}

export interface SessionListEntry extends Session {
  /** Whether this is the session named by `current`. */
  readonly current: boolean
}

export async function list<Claims, Transaction>(
  context: Context<Claims, Transaction>,
  userId: UserId,
  options: ListOptions<Transaction> | undefined,
): Promise<SessionListEntry[]> {
  checkOptions('list', options, ['current', 'limit', 'after', 'transaction'])
  const user = canonicalUserId(userId)
  const current = options?.current
  if (current !== undefined) checkSid(current)
  const page = {
    now: context.clock.wall(),
    limit: options?.limit === undefined ? 100 : checkCount('limit', options.limit, 1, 1_000),
    after: options?.after === undefined ? null : checkCursor(options.after),
  }
  const sessions = await askStore(context, options?.transaction, (store, scope) => store.list(user, page, scope))
  return sessions.map((session) => ({ ...toSession(session), current: session.sid === current }))
}

function checkCursor(after: Pick<Session, 'sid' | 'createdAt'>): { createdAt: number; sid: string } {
  const isCursor =
    typeof after === 'object' && after !== null && after.createdAt instanceof Date && isTokenId(after.sid)
  if (!isCursor || Number.isNaN(after.createdAt.getTime()))
    throw new TypeError('after must be a session that list returned')
  return { createdAt: after.createdAt.getTime(), sid: after.sid }
}
