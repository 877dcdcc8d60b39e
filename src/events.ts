import { askStore } from './ask-store.js'
import type { Context } from './context.js'
import { canonicalUserId, type UserId } from './ids.js'
import { checkCount, checkOptions } from './options.js'
import type { LoggedEvent, Scope, SessionEventType, Store } from './ports/store.js'

export interface EventsOptions<Transaction> {
  /** At most how many, 1 to 1000. Default 100. */
  readonly limit?: number | undefined
  /** The cursor: the last event of the page before. */
  readonly after?: Pick<AccountEvent, 'seq'> | undefined
  readonly transaction?: Transaction | undefined
}

/** One change to a user's account, as the app and its user may see it: never a `jti`, a hash or a token. */
export interface AccountEvent {
  /** Its number among the events of all users: the cursor. It tells how many there are, which is no user's business. */
  readonly seq: number
  /** The same that listeners are told. */
  readonly id: string
  /** A newer version of this library, beside this one, may have written others. */
  readonly type: SessionEventType
  /**
   * The session that ended, or with `other_sessions_revoked` the one that was kept, or with a `refresh_token_reused` that
   * has a `tokenVersion` the one that ended them all; else `null` when all are meant.
   */
  readonly sid: string | null
  /** The user's version after the change; `null` when the change left it alone. */
  readonly tokenVersion: number | null
  /** As the app gave it, or what stands for it where it gave none. */
  readonly reason: string
  /** Who did it, as the app gave it; `null` when nobody was named. */
  readonly actor: string | null
  readonly at: Date
}

/** What was read of a page, newest first. */
interface Found {
  readonly events: LoggedEvent[]
  /** Of rows that another program has broken. */
  readonly errors: Error[]
}

export async function events<Claims, Transaction>(
  context: Context<Claims, Transaction>,
  userId: UserId,
  options: EventsOptions<Transaction> | undefined,
): Promise<AccountEvent[]> {
  checkOptions('events', options, ['limit', 'after', 'transaction'])
  const user = canonicalUserId(userId)
  const limit = options?.limit === undefined ? 100 : checkCount('limit', options.limit, 1, 1_000)
  const after = options?.after === undefined ? null : checkCursor(options.after)
  if (typeof context.store.readUserEvents !== 'function')
    throw new TypeError('events needs a store whose events can be read by user: it has no readUserEvents')
  const found = await askStore(context, options?.transaction, (store, scope) =>
    readPage(store, user, { limit, after }, scope),
  )
  for (const error of found.errors) context.notifier.emit('error', { error, during: 'events' })
  return found.events.map(toAccountEvent)
}

/** Reads on where rows are broken: a page that they made short would look like the last one. */
async function readPage<Transaction>(
  store: Store<Transaction>,
  userId: string,
  { limit, after }: { readonly limit: number; readonly after: number | null },
  scope: Scope<Transaction>,
): Promise<Found> {
  const found: Found = { events: [], errors: [] }
  for (let from = after; ;) {
    const wanted = limit - found.events.length
    const page = await store.readUserEvents(userId, { limit: wanted, after: from }, scope)
    found.events.push(...page.events)
    found.errors.push(...page.unreadable.map(({ error }) => error))
    if (page.unreadable.length === 0 || page.events.length + page.unreadable.length < wanted) return found
    const last = Math.min(...[...page.events, ...page.unreadable].map(({ seq }) => seq))
    if (from !== null && last >= from) throw new Error('the store answered events that are not after the cursor')
    from = last
  }
}

function toAccountEvent({ seq, id, type, sid, tokenVersion, reason, actor, at }: LoggedEvent): AccountEvent {
  return { seq, id, type, sid, tokenVersion, reason, actor, at: new Date(at) }
}

function checkCursor(after: Pick<AccountEvent, 'seq'>): number {
  if (typeof after !== 'object' || after === null || !Number.isSafeInteger(after.seq))
    throw new TypeError('after must be an event that events returned')
  return after.seq
}
