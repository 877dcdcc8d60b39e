import type { Clock } from '../ports/clock.js'
import type { EventPage, EventRows, LoggedEvent, SessionEvent } from '../ports/store.js'
import { createCheckpoints, longest } from './checkpoints.js'
import { createGaps } from './gaps.js'

/** Finds every event once, also those of transactions that commit long after others that were numbered later. */
export interface EventReader {
  /** This process is about to write an event with this id: whoever sees it first knows whose it is. */
  expect(eventId: string): void
  /** Whether this process tells of its own event for the first time; whoever asks second keeps silent. */
  claim(eventId: string): boolean
  /**
   * Reads all that has come since the last time and delivers what nobody has told of. The first time it only looks where
   * the end is. Rejects with the store's errors; what was not delivered then comes the next time.
   */
  look(): Promise<void>
  /** Ends a look that goes through many pages, before the next one. */
  stop(): void
  /** The greatest number that was read. */
  position(): number
}

export interface EventReaderWork {
  read(after: number | null, limit: number): Promise<EventPage>
  readAt(seqs: readonly number[]): Promise<EventRows>
  deliver(event: SessionEvent, isOwn: boolean): void
  /** Something was not heard: an event that can't be read, or a log that was set back. */
  gap(reason: Error): void
}

const pageSize = 500
/**
 * How often all is read again that came within the window. What is missing is asked for at every look; this is for the numbers
 * that a failover gave to other events.
 */
const thoroughly = 1_000
/** How far before its end the log is read at the beginning, for transactions that are open then; further where that is young. */
const margin = 1_000
/**
 * @param window milliseconds for which the rows of an open transaction are waited for, where the store can't tell of it;
 * where it can, what is older than that is asked for by the numbers that are missing in it
 */
export function createEventReader(clock: Clock, window: number, work: EventReaderWork): EventReader {
  const known = createKnown(clock, work)
  let checkpoints = createCheckpoints(window)
  let gaps = createGaps()
  /** Up to where all is settled; `null` before the first look. */
  let settled: number | null = null
  /** From where on all is read again from time to time, not only what is missing; and when it last was. */
  let [recent, recentAt] = [0, -Infinity]
  let position = 0
  /** What is to be told once the reader has begun anew. */
  let lost: Error | null = null
  let isStopped = false

  /** Answers the last page. */
  async function takeAll(first: EventPage, after: number, isNews: boolean): Promise<EventPage> {
    let from = after
    for (let page = first; ; page = await work.read(from, pageSize)) {
      const seqs = known.take(page, isNews)
      gaps.note(from, seqs)
      from = seqs.at(-1) ?? from
      position = Math.max(position, from)
      if (seqs.length < pageSize || isStopped) return page
    }
  }

  /** Where the log ends. What was committed before is no news, but who committed it may still tell. */
  async function begin(begunAt: number): Promise<void> {
    const start = await findStart(clock, window, work)
    position = start
    gaps = createGaps()
    checkpoints = createCheckpoints(window)
    const last = await takeAll(await work.read(start, pageSize), start, false)
    settled = recent = start
    checkpoints.settle({ begunAt, endedAt: clock.mono(), seq: position, next: last.transactions?.next }, null)
    // Now, since nobody is told of what was committed up to here.
    if (lost) work.gap(lost)
    lost = null
  }

  return {
    expect: (eventId) => known.expect(eventId),
    claim: (eventId) => known.claim(eventId),

    async look() {
      const begunAt = clock.mono()
      known.forget(settled ?? 0)
      if (settled === null) return begin(begunAt)
      let until = position
      if (begunAt - recentAt >= thoroughly) [recentAt, until] = [begunAt, gaps.isCrowded() ? settled : recent]
      const missing = gaps.upTo(until)
      const first = await work.read(until, pageSize)
      if (first.last !== null && first.last < position) {
        // A failover or a restore lost what was read: numbers come again, for other events.
        lost = new Error(`the events ended at ${first.last}, and were read up to ${position} before`)
        settled = null
        return begin(begunAt)
      }
      const last = await takeAll(first, until, true)
      for (let start = 0; start < missing.length; start += pageSize)
        gaps.note(0, known.take(await work.readAt(missing.slice(start, start + pageSize)), true))
      if (isStopped) return
      // What was open when the first page was read may have committed behind it before the last one was.
      const look = { begunAt, endedAt: clock.mono(), seq: position, next: last.transactions?.next }
      const next = checkpoints.settle(look, first.transactions?.oldest ?? null)
      settled = Math.max(settled, next.settled)
      recent = Math.max(recent, settled, next.recent)
      gaps.settle(settled)
    },

    stop: () => void (isStopped = true),
    position: () => position,
  }
}

/** After which number: before all that was written so long ago that its transaction is waited for no more. */
async function findStart(clock: Clock, window: number, work: EventReaderWork): Promise<number> {
  const end = await work.read(null, 1)
  const young = clock.wall() - (end.transactions ? longest : window)
  for (let back = margin; ; back *= 4) {
    const start = Math.max(0, (numbersOf(end)[0] ?? 0) - back)
    if (start === 0) return 0
    const [first] = (await work.read(start, 1)).events
    if (first && first.at < young) return start
  }
}

function numbersOf({ events, unreadable }: EventRows): number[] {
  return [...events, ...unreadable].map(({ seq }) => seq).toSorted((left, right) => left - right)
}

interface Known {
  expect(eventId: string): void
  claim(eventId: string): boolean
  /** Answers the numbers of all rows, ascending. */
  take(rows: EventRows, isNews: boolean): number[]
  /** Forgets what is neither read again nor claimed any more. */
  forget(settled: number): void
}

/** What was read here, or told by who committed it. */
function createKnown(clock: Clock, work: Pick<EventReaderWork, 'deliver' | 'gap'>): Known {
  interface Entry {
    readonly at: number
    readonly seq: number | null
    readonly isTold: boolean
    readonly isOwn: boolean
  }
  const entries = new Map<string, Entry>()

  /** Answers it where it is seen for the first time. */
  function see(id: string, seq: number, isTold: boolean): Entry | null {
    const before = entries.get(id)
    const at = before?.at ?? clock.mono()
    const entry = { at, seq, isTold: isTold || before?.isTold === true, isOwn: before?.isOwn === true }
    entries.set(id, entry)
    return before === undefined || (before.seq === null && !before.isTold) ? entry : null
  }

  function takeEvent({ seq, ...event }: LoggedEvent, isNews: boolean): void {
    const entry = see(event.id, seq, isNews)
    if (entry && isNews) work.deliver(event, entry.isOwn)
  }

  return {
    expect: (eventId) => void entries.set(eventId, { at: clock.mono(), seq: null, isTold: false, isOwn: true }),

    claim(eventId) {
      const entry = entries.get(eventId)
      if (entry?.isTold) return false
      entries.set(eventId, { at: clock.mono(), seq: entry?.seq ?? null, isTold: true, isOwn: true })
      return true
    },

    take(rows, isNews) {
      for (const event of rows.events) takeEvent(event, isNews)
      // No event has an empty id, nor one that begins so.
      for (const { seq, error } of rows.unreadable) if (see(`\0${seq}`, seq, true) && isNews) work.gap(error)
      return numbersOf(rows)
    },

    forget(settled) {
      const now = clock.mono()
      // Oldest first, but for those that were claimed later than read.
      for (const [id, { seq, at }] of entries) {
        if (now - at < longest) return
        if (seq === null || seq <= settled) entries.delete(id)
      }
    },
  }
}
