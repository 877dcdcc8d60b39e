import { nameOf } from '../ids.js'
import { momentOf, type Clock, type Moment } from '../ports/clock.js'
import type { SessionKey } from '../ports/store.js'
import {
  answerBatch,
  openBatch,
  waitFor,
  type Batch,
  type LookupMany,
  type Read,
  type Take,
  type Ticket,
} from './batch.js'

/** Reads sessions for many callers at once: who asks while others wait, is read with them. */
export interface Reads {
  /**
   * Joins a read that no connection has yet, so that it begins after this call.
   * @param timeout how long to wait, the time in the queue included; milliseconds
   * @throws RollcallError `store_unavailable` and the store's own codes
   */
  read(key: SessionKey, timeout: number): Promise<Read>
  /**
   * Joins the last read of this session that is under way, unless a change has overtaken it: `null` when there is none.
   * Its age counts into the timeout, so that no read lives longer for those who join it.
   */
  join(key: SessionKey, timeout: number, isFresh: (startedAt: Moment) => boolean): Promise<Read> | null
  /** A change became known: of this session, or with `null` of all the user's. */
  overtake(userId: string, sid: string | null): void
  /** The same of all sessions. */
  overtakeAll(): void
  status(): ReadsStatus
}

export interface ReadsStatus {
  /** Statements that were sent, and the sessions they asked for: the second by the first is what coalescing saves. */
  readonly batches: number
  readonly keys: number
  readonly failed: number
  readonly inFlight: number
  readonly waiting: number
}

const maximumBatch = 256
const maximumInFlight = 2
/** Keys of a batch from which on two batches cost the store little more than one of all. */
const worthSharing = 16

export function createReads(clock: Clock, lookup: LookupMany, take: Take): Reads {
  const queue = new Map<string, Ticket>()
  const underWay = new Set<Batch>()
  /** The last read of each session that is under way. */
  const latest = new Map<string, Ticket>()
  const counts = { batches: 0, keys: 0, failed: 0 }
  let isScheduled = false

  /** Whoever asks in this same turn comes along. */
  function schedule(): void {
    if (isScheduled || underWay.size >= maximumInFlight || queue.size === 0) return
    isScheduled = true
    queueMicrotask(() => {
      isScheduled = false
      if (queue.size > 0)
        void run(takeBatch(queue, shareOf(queue.size, maximumInFlight - underWay.size), momentOf(clock)))
      schedule()
    })
  }

  async function run(batch: Batch): Promise<void> {
    underWay.add(batch)
    for (const ticket of batch.tickets) latest.set(nameOf(ticket.key), ticket)
    await answerBatch(batch, batch.tickets, lookup, take, counts)
    underWay.delete(batch)
    for (const ticket of batch.tickets) {
      const name = nameOf(ticket.key)
      if (latest.get(name) === ticket) latest.delete(name)
    }
    schedule()
  }

  const drop = (ticket: Ticket): void => void queue.delete(nameOf(ticket.key))

  return {
    read(key, timeout) {
      const name = nameOf(key)
      const ticket = queue.get(name) ?? { key, waiters: new Set(), batch: null, isAnswered: false, isOvertaken: false }
      queue.set(name, ticket)
      schedule()
      return waitFor(clock, ticket, timeout, drop)
    },

    join(key, timeout, isFresh) {
      const ticket = latest.get(nameOf(key))
      const batch = ticket?.batch
      if (!batch || batch.controller.signal.aborted || ticket.isAnswered || ticket.isOvertaken) return null
      const rest = timeout - (clock.mono() - batch.startedAt.mono)
      return rest > 0 && isFresh(batch.startedAt) ? waitFor(clock, ticket, rest, drop) : null
    },

    overtake(userId, sid) {
      for (const { named, tickets } of underWay) {
        const one = sid === null ? undefined : named.get(nameOf({ userId, sid }))
        if (one) one.isOvertaken = true
        if (sid === null) for (const ticket of tickets) if (ticket.key.userId === userId) ticket.isOvertaken = true
      }
    },

    overtakeAll() {
      for (const ticket of [...underWay].flatMap(({ tickets }) => tickets)) ticket.isOvertaken = true
    },

    status: () => ({ ...counts, inFlight: underWay.size, waiting: queue.size }),
  }
}

/** How many of these to take: with all in one batch the store would rest while they are answered, and we while it works. */
function shareOf(waiting: number, slots: number): number {
  const share = Math.ceil(waiting / slots)
  return Math.min(share < worthSharing ? waiting : share, maximumBatch)
}

function takeBatch(queue: Map<string, Ticket>, size: number, startedAt: Moment): Batch {
  const batch = openBatch(startedAt)
  for (const [name, ticket] of queue) {
    queue.delete(name)
    ticket.batch = batch
    batch.named.set(name, ticket)
    if (batch.tickets.push(ticket) === size) break
  }
  return batch
}
