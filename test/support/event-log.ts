import { createEventReader, type EventReader } from '../../src/outbox/reader.js'
import type { EventPage, LoggedEvent } from '../../src/ports/store.js'
import { createFakeClock, type FakeClock } from '../conformance/fake-clock.js'

export const window: number = 10_000

/** A log whose events appear when the test says so, in another order than their numbers if need be. */
export interface Log {
  readonly reader: EventReader
  readonly clock: FakeClock
  /** Ids in the order of their delivery. */
  readonly delivered: string[]
  /** How many rows each read answered. */
  readonly rows: number[]
  /** The numbers that were asked for one by one. */
  readonly asked: (readonly number[])[]
  commit(...seqs: number[]): void
  /** `null`: the store can't tell. */
  transactions: EventPage['transactions']
  fail: boolean
  readonly gaps: number[]
  remove(seq: number): void
  meanwhile: (() => void) | null
  /** When the events that are committed next were written. */
  at: number
  /** Numbers of rows that hold no event. */
  readonly broken: Set<number>
  /** Ids begin with it. */
  name: string
}

const error = new Error('not an event')

export function openLog(): Log {
  const events = new Map<number, LoggedEvent>()
  const clock = createFakeClock()
  const delivered: string[] = []
  const rows: number[] = []
  const asked: (readonly number[])[] = []
  const gaps: number[] = []
  const read = async (after: number | null, limit: number): Promise<EventPage> => {
    if (log.fail) throw new Error('ECONNREFUSED')
    const sorted = [...events.values()].toSorted((a, b) => a.seq - b.seq)
    const found = after === null ? sorted.slice(-limit) : sorted.filter(({ seq }) => seq > after).slice(0, limit)
    rows.push(found.length)
    const unreadable = [...log.broken].filter((seq) => after !== null && seq > after).map((seq) => ({ seq, error }))
    const page = { events: found, unreadable, last: sorted.at(-1)?.seq ?? null, transactions: log.transactions }
    // What happens while the answer is on its way.
    log.meanwhile?.()
    return page
  }
  const log: Log = {
    reader: createEventReader(clock, window, {
      read,
      async readAt(seqs) {
        const found = seqs.map((seq) => events.get(seq)).filter((event) => event !== undefined)
        asked.push(seqs)
        rows.push(found.length)
        return { events: found, unreadable: [] }
      },
      deliver: ({ id }) => void delivered.push(id),
      gap: () => void gaps.push(clock.mono()),
    }),
    asked,
    gaps,
    remove: (seq) => void events.delete(seq),
    meanwhile: null,
    at: 0,
    broken: new Set(),
    name: 'e',
    clock,
    delivered,
    rows,
    commit(...seqs) {
      for (const seq of seqs) {
        const id = `${log.name}${seq}`
        events.set(seq, {
          seq,
          id,
          type: 'all_sessions_revoked',
          userId: 'alice',
          sid: null,
          tokenVersion: 1,
          reason: 'logout',
          actor: null,
          at: log.at,
        })
      }
    },
    transactions: null,
    fail: false,
  }
  return log
}
