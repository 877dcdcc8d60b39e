import { draftEvent, type ChangeOptions } from './change.js'
import { announce, askStore, askToEnd } from './ask-store.js'
import type { Context } from './context.js'
import { canonicalUserId, type UserId } from './ids.js'

export interface SuspendOptions<Transaction> extends ChangeOptions<Transaction> {
  /** When the suspension ends by itself. Default: never. */
  readonly until?: Date | undefined
}

/** The last moment a `Date` can hold stands for "until reinstated". */
const forever = 8_640_000_000_000_000

export async function suspend<Claims, Transaction>(
  context: Context<Claims, Transaction>,
  userId: UserId,
  options: SuspendOptions<Transaction> | undefined,
): Promise<void> {
  const user = canonicalUserId(userId)
  const event = draftEvent(
    context,
    'suspend',
    { type: 'user_suspended', userId: user, sid: null, reason: 'suspended' },
    options,
    ['until'],
  )
  const until = options?.until === undefined ? forever : checkEnd(options.until, event.at)
  await askToEnd(context, { userId: user, sid: null }, () =>
    askStore(context, options?.transaction, (store, scope) => store.suspend(user, until, event, scope)),
  )
  announce(context, { ...event, tokenVersion: null }, options?.transaction)
}

export async function reinstate<Claims, Transaction>(
  context: Context<Claims, Transaction>,
  userId: UserId,
  options: ChangeOptions<Transaction> | undefined,
): Promise<void> {
  const user = canonicalUserId(userId)
  const event = draftEvent(
    context,
    'reinstate',
    { type: 'user_reinstated', userId: user, sid: null, reason: 'reinstated' },
    options,
  )
  await askStore(context, options?.transaction, (store, scope) => store.suspend(user, null, event, scope))
  announce(context, { ...event, tokenVersion: null }, options?.transaction)
}

function checkEnd(until: Date, now: number): number {
  if (!(until instanceof Date) || !(until.getTime() > now)) throw new TypeError('until must be a Date in the future')
  return until.getTime()
}
