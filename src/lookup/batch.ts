import { RollcallError } from '../errors.js'
import type { Clock, Moment } from '../ports/clock.js'
import { StoreDataError, type SessionKey, type StandingRecord } from '../ports/store.js'
import { takeTurns } from '../turns.js'

/** What one read saw. */
export interface Read {
  readonly record: StandingRecord | null
  /** When it began: whatever was committed before, it has seen. */
  readonly startedAt: Moment
  /** Whether a change of the session became known while it was under way: it must not be kept. */
  readonly isOvertaken: boolean
}

interface Waiter {
  resolve(read: Read): void
  reject(error: unknown): void
}

/** One session to read, and who waits for it. */
export interface Ticket {
  readonly key: SessionKey
  readonly waiters: Set<Waiter>
  /** `null` while it waits for its turn. */
  batch: Batch | null
  /** Its waiters have their answer, while others of its batch may still wait for theirs. */
  isAnswered: boolean
  isOvertaken: boolean
}

/** One read of several sessions that is under way. */
export interface Batch {
  readonly tickets: readonly Ticket[]
  /** The same by the names of their sessions. */
  readonly named: Map<string, Ticket>
  readonly startedAt: Moment
  /** Aborted when nobody is left who waits for any of them. */
  readonly controller: AbortController
  /** Rejects when it is, behind whoever knows more of it: a store that never answers holds up nobody. */
  readonly end: Promise<never>
}

export function openBatch(startedAt: Moment): Batch & { readonly tickets: Ticket[] } {
  const controller = new AbortController()
  const end = new Promise<never>((_, reject) => {
    const { signal } = controller
    const refuse = (): void => reject(new RollcallError('store_unavailable', { cause: signal.reason }))
    signal.addEventListener('abort', () => void takeTurns().then(refuse), { once: true })
  })
  // Nobody need be waiting for it.
  end.catch(() => {})
  return { tickets: [], named: new Map(), startedAt, controller, end }
}

/** Reads sessions until the signal aborts. */
export type LookupMany = (
  keys: readonly SessionKey[],
  signal: AbortSignal,
) => Promise<readonly (StandingRecord | null)[]>

/** Gets each answer before those who wait for it, in the moment it comes; what it throws is theirs instead. */
export type Take = (key: SessionKey, read: Read) => void

export interface BatchCounts {
  batches: number
  keys: number
  failed: number
}

const tooLate = 'storeTimeout is over'

/** Waits for the answer to a ticket, for so many milliseconds. */
export function waitFor(clock: Clock, ticket: Ticket, timeout: number, drop: (ticket: Ticket) => void): Promise<Read> {
  return new Promise((resolve, reject) => {
    const waiter: Waiter = {
      resolve: (answer) => (cancel(), resolve(answer)),
      reject: (error) => (cancel(), reject(error)),
    }
    const cancel = clock.after(timeout, () => {
      leave(ticket, waiter, drop)
      // What the store has to say of a read that ends with this goes first.
      void takeTurns().then(() => reject(new RollcallError('store_unavailable', { cause: new Error(tooLate) })))
    })
    ticket.waiters.add(waiter)
  })
}

/** A read that nobody waits for is not begun, and given up where it was: its connection may be a dead one. */
function leave(ticket: Ticket, waiter: Waiter, drop: (ticket: Ticket) => void): void {
  const { waiters, batch } = ticket
  const isLast = waiters.size === 1 && waiters.has(waiter)
  const isLastOfAll = isLast && batch?.tickets.every((other) => other === ticket || other.waiters.size === 0)
  // It stays, to hear what the store says of its end.
  if (isLastOfAll) return batch?.controller.abort(new Error(tooLate))
  waiters.delete(waiter)
  if (isLast && batch === null) drop(ticket)
  return undefined
}

/** Reads these tickets of a batch and answers all who wait. Never rejects. */
export async function answerBatch(
  batch: Batch,
  tickets: readonly Ticket[],
  lookup: LookupMany,
  take: Take,
  counts: BatchCounts,
): Promise<void> {
  counts.batches += 1
  counts.keys += tickets.length
  const { signal } = batch.controller
  const keys = tickets.map(({ key }) => key)
  try {
    const records = await Promise.race([lookup(keys, signal), batch.end])
    if (!Array.isArray(records) || records.length !== keys.length)
      throw unavailable(`the store answered ${keys.length} keys with another number of records`)
    tickets.forEach((ticket, index) => settle(ticket, records[index] ?? null, batch.startedAt, take))
  } catch (error) {
    const isSomebodys = error instanceof RollcallError && error.cause instanceof StoreDataError
    if (isSomebodys && tickets.length > 1) {
      // One of them is to blame; the others are answered without it.
      const middle = tickets.length >> 1
      await answerBatch(batch, tickets.slice(0, middle), lookup, take, counts)
      return answerBatch(batch, tickets.slice(middle), lookup, take, counts)
    }
    counts.failed += 1
    for (const ticket of tickets) for (const waiter of answer(ticket)) waiter.reject(error)
  }
  return undefined
}

/** Whom to tell. From now on nobody waits for this one, whatever becomes of the rest of its batch. */
function answer(ticket: Ticket): readonly Waiter[] {
  const waiters = [...ticket.waiters]
  ticket.waiters.clear()
  ticket.isAnswered = true
  return waiters
}

function settle(ticket: Ticket, record: StandingRecord | null, startedAt: Moment, take: Take): void {
  const { key, isOvertaken } = ticket
  const read = { record, startedAt, isOvertaken }
  const waiters = answer(ticket)
  try {
    if (record !== null && (record.userId !== key.userId || record.sid !== key.sid))
      throw unavailable('the store answered one key with the record of another')
    take(key, read)
    for (const waiter of waiters) waiter.resolve(read)
  } catch (error) {
    const refusal = error instanceof RollcallError ? error : new RollcallError('store_unavailable', { cause: error })
    for (const waiter of waiters) waiter.reject(refusal)
  }
}

function unavailable(why: string): RollcallError {
  return new RollcallError('store_unavailable', { cause: new Error(why) })
}
