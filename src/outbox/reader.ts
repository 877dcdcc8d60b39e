import type { Clock } from '../ports/clock.js'
import type { EventPage, LoggedEvent, SessionEvent } from '../ports/store.js'
import { createCheckpoints, longest } from './checkpoints.js'

/** Finds every event once, also those of transactions that commit long after others that were numbered later. */
export interface EventReader {
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
  deliver(event: SessionEvent): void
  /** Something was not heard: an event that can't be read, or a log that was set back. */
  gap(reason: Error): void
}

const pageSize = 500
/** How far before its last page the log is read at the beginning, for transactions that are open then. */
const margin = 1_000
/** @param window milliseconds for which the rows of an open transaction are waited for, where the store can't tell of it */
export function createEventReader(clock: Clock, window: number, work: EventReaderWork): EventReader {
  const known = createKnown(clock, (event) => work.deliver(event))
  let checkpoints = createCheckpoints(window)
  /** Where the next look begins; `null` before the first. */
  let resume: number | null = null
  let position = 0
  let isStopped = false

  /** Answers the last page. */
  async function takeAll(first: EventPage, isNews: boolean): Promise<EventPage> {
    for (let page = first; ; page = await work.read(position, pageSize)) {
      for (const event of page.events) known.take(event, isNews)
      for (const { error } of page.unreadable) if (isNews) work.gap(error)
      const last = Math.max(0, ...page.events.map(({ seq }) => seq), ...page.unreadable.map(({ seq }) => seq))
      const isFull = page.events.length + page.unreadable.length === pageSize
      if (!isFull || isStopped) {
        position = Math.max(position, last)
        return page
      }
      position = last
    }
  }

  /** Where the log ends. What was committed before is no news, but who committed it may still tell. */
  async function begin(begunAt: number): Promise<void> {
    const end = await work.read(null, 1)
    const start = Math.max(0, (end.events[0]?.seq ?? end.unreadable[0]?.seq ?? 0) - margin)
    position = start
    const last = await takeAll(await work.read(start, pageSize), false)
    resume = start
    checkpoints.settle({ begunAt, endedAt: clock.mono(), seq: position, next: last.transactions?.next }, null)
  }

  return {
    claim: (eventId) => known.claim(eventId),

    async look() {
      const begunAt = clock.mono()
      known.forget(resume ?? 0)
      if (resume === null) return begin(begunAt)
      const first = await work.read(resume, pageSize)
      if (first.last !== null && first.last < position) {
        // A failover or a restore lost what was read: numbers come again, for other events.
        const reached = position
        resume = null
        checkpoints = createCheckpoints(window)
        await begin(begunAt)
        // Now, since nobody is told of what was committed up to here.
        return work.gap(new Error(`the events ended at ${first.last}, and were read up to ${reached} before`))
      }
      const reached = position
      position = resume
      const last = await takeAll(first, true).finally(() => (position = Math.max(position, reached)))
      if (isStopped) return
      // What was open when the first page was read may have committed behind it before the last one was.
      const look = { begunAt, endedAt: clock.mono(), seq: position, next: last.transactions?.next }
      resume = Math.max(resume, checkpoints.settle(look, first.transactions?.oldest ?? null))
    },

    stop: () => void (isStopped = true),
    position: () => position,
  }
}

interface Known {
  claim(eventId: string): boolean
  take(event: LoggedEvent, isNews: boolean): void
  /** Forgets what is neither read again nor claimed any more. */
  forget(resume: number): void
}

/** What was read here, or told by who committed it. */
function createKnown(clock: Clock, deliver: (event: SessionEvent) => void): Known {
  const entries = new Map<string, { readonly at: number; seq: number | null; isTold: boolean }>()
  return {
    claim(eventId) {
      const entry = entries.get(eventId)
      if (entry?.isTold) return false
      entries.set(eventId, { at: clock.mono(), seq: entry?.seq ?? null, isTold: true })
      return true
    },

    take({ seq, ...event }, isNews) {
      const entry = entries.get(event.id)
      if (entry) entry.seq = seq
      else entries.set(event.id, { at: clock.mono(), seq, isTold: isNews })
      if (!entry && isNews) deliver(event)
    },

    forget(resume) {
      const now = clock.mono()
      // Oldest first, but for those that were claimed later than read.
      for (const [id, { seq, at }] of entries) {
        if (now - at < longest) return
        if (seq === null || seq <= resume) entries.delete(id)
      }
    },
  }
}
