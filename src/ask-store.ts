import type { Context } from './context.js'
import { RollcallError } from './errors.js'
import type { Scope, SessionEvent, SessionKey, Store } from './ports/store.js'
import { takeTurns } from './turns.js'

const attempts = 5

/**
 * The one way to the store: bounded by `storeTimeout`, a conflict with another transaction is tried again, and every
 * fault is a coded error. In a caller's transaction there is neither deadline nor second try: both are the caller's.
 */
export async function askStore<Transaction, Answer>(
  context: Context<unknown, Transaction>,
  transaction: Transaction | undefined,
  ask: (store: Store<Transaction>, scope: Scope<Transaction>) => Promise<Answer>,
): Promise<Answer> {
  const { store, background } = context
  if (background.isClosed) throw new TypeError('this sessions object is closed')
  if (transaction !== undefined) {
    store.assertTransaction(transaction)
    return ask(store, { transaction }).catch(fail)
  }
  return withDeadline(context, (signal) => retryConflicts(context, signal, () => ask(store, { signal })))
}

/** The same for what nobody waits for: what was begun is finished, also while `close` waits for it. */
export async function askInBackground<Transaction, Answer>(
  context: Context<unknown, Transaction>,
  ask: (store: Store<Transaction>, scope: Scope<never>) => Promise<Answer>,
): Promise<Answer> {
  return withDeadline(context, (signal) => retryConflicts(context, signal, () => ask(context.store, { signal })))
}

/** The same where somebody else watches the time: until the signal aborts, outside of a caller's transaction. */
export async function askStoreUntil<Answer>(
  context: Context<unknown, never>,
  signal: AbortSignal,
  ask: () => Promise<Answer>,
): Promise<Answer> {
  return retryConflicts(context, signal, ask).catch(fail)
}

/**
 * A write that may end this session, or all the user's. Whatever comes of it, what is kept of them counts no more: another
 * may have ended them first and not have heard of it yet, or the answer to a commit was lost.
 */
export async function askToEnd<Transaction, Answer>(
  context: Context<unknown, Transaction>,
  { userId, sid }: { readonly userId: string; readonly sid: string | null },
  write: () => Promise<Answer>,
): Promise<Answer> {
  try {
    return await write()
  } finally {
    context.lookup.forget(userId, sid)
  }
}

async function withDeadline<Answer>(
  context: Context<unknown, never>,
  ask: (signal: AbortSignal) => Promise<Answer>,
): Promise<Answer> {
  const controller = new AbortController()
  let cancel = (): void => {}
  const late = new Promise<never>((_, reject) => {
    cancel = context.clock.after(context.policy.storeTimeout, () => {
      const reason = new Error('the store did not answer within storeTimeout')
      controller.abort(reason)
      // What the store itself has to say of it goes first.
      void takeTurns().then(() => reject(new RollcallError('store_unavailable', { cause: reason })))
    })
  })
  try {
    return await Promise.race([ask(controller.signal), late])
  } catch (error) {
    return fail(error)
  } finally {
    cancel()
  }
}

/** Deadlocks and serialization failures leave nothing written, so asking again is safe; after a few tries it is an outage. */
async function retryConflicts<Answer>(
  context: Context<unknown, never>,
  signal: AbortSignal,
  ask: () => Promise<Answer>,
): Promise<Answer> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await ask()
    } catch (error) {
      if (!(error instanceof RollcallError) || error.code !== 'transaction_conflict') throw error
      if (attempt === attempts || signal.aborted) throw new RollcallError('store_unavailable', { cause: error.cause })
    }
    // Apart by chance, so that the same callers don't meet again.
    const ms = 2 ** attempt + (context.random(1)[0] ?? 0) / 16
    await new Promise<void>((resolve) => void context.clock.after(ms, resolve))
  }
}

function fail(error: unknown): never {
  throw error instanceof RollcallError ? error : new RollcallError('store_unavailable', { cause: error })
}

/**
 * Committed means seen: listeners hear of a change when it is committed. Knex can't be asked whether a caller's
 * transaction committed (its promises resolve after a rollback, too), so the event's row is looked up on another
 * connection once the outermost transaction is over.
 */
export function announce<Transaction>(
  context: Context<unknown, Transaction>,
  event: SessionEvent,
  transaction: Transaction | undefined,
): void {
  const { store, notifier, lookup, background, outbox } = context
  const publish = (): void => {
    // Also where the reader of the events was first: it tells only this process.
    outbox?.announce()
    if (outbox?.claim(event.id) === false) return
    lookup.changed(event)
    notifier.publish(event, true)
  }
  if (transaction === undefined) return publish()
  void store.settled(transaction).then(() => {
    if (background.isClosed) return
    // Before it is known: what is kept may have been read before the commit.
    lookup.changed(event)
    background.run(
      askStore(context, undefined, (_, { signal }) => store.committed([event.id], { signal })).then(
        (ids) => {
          if (ids.includes(event.id)) publish()
        },
        (error: unknown) => notifier.emit('error', { error, during: 'commit check' }),
      ),
    )
  })
}

/** A session's row has changed by no event. */
export function announceChange<Transaction>({ lookup, outbox }: Context<unknown, Transaction>, key: SessionKey): void {
  lookup.forget(key.userId, key.sid)
  outbox?.announceChange(key)
}

/**
 * A user has one device more, or one with another name. Nothing rests on it, so that it is told once the caller's transaction
 * is over, whatever became of that.
 */
export function announceDevices<Transaction>(
  { store, watches, outbox }: Context<unknown, Transaction>,
  userId: string,
  transaction: Transaction | undefined,
): void {
  const publish = (): void => {
    watches.devicesChanged(userId)
    outbox?.announceDevices(userId)
  }
  if (transaction === undefined) return publish()
  void store.settled(transaction).then(publish)
}
