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
  isOvertaken: boolean
}

/** One read of several sessions that is under way. */
export interface Batch {
  readonly tickets: readonly Ticket[]
  readonly startedAt: Moment
  /** Aborted when nobody is left who waits for any of them. */
  readonly controller: AbortController
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
    const records = await Promise.race([lookup(keys, signal), endOf(signal)])
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
    for (const { waiters } of tickets) for (const waiter of waiters) waiter.reject(error)
  }
  return undefined
}

function settle(
  { key, waiters, isOvertaken }: Ticket,
  record: StandingRecord | null,
  startedAt: Moment,
  take: Take,
): void {
  const read = { record, startedAt, isOvertaken }
  try {
    take(key, read)
    for (const waiter of waiters) waiter.resolve(read)
  } catch (error) {
    for (const waiter of waiters) waiter.reject(error)
  }
}

/** Rejects when the signal aborts, behind whoever knows more of it: a store that never answers holds up nobody. */
function endOf(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const end = (): void =>
      void takeTurns().then(() => reject(new RollcallError('store_unavailable', { cause: signal.reason })))
    if (signal.aborted) end()
    else signal.addEventListener('abort', end, { once: true })
  })
}
