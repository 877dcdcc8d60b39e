import type { Clock } from '../ports/clock.js'
import type { EventPage, LoggedEvent, SessionEvent } from '../ports/store.js'

/** Finds every event once, also those of transactions that commit long after others that were numbered later. */
export interface EventReader {
  /** Whether this process tells of the event for the first time; whoever asks second keeps silent. */
  claim(eventId: string): boolean
  /**
   * Reads all that has come since the last time and delivers what nobody has told of. The first time it only looks where
   * the end is. Rejects with the store's errors; what was not delivered then comes the next time.
   */
  look(): Promise<void>
  /** The greatest number that was read. */
  position(): number
}

export type ReadEvents = (after: number | null, limit: number) => Promise<EventPage>

/** The log as far as it was read at a moment. Rows up to `seq` may still appear while transactions of then are open. */
interface Checkpoint {
  readonly seq: number
  readonly at: number
  readonly next: number | null
}

const pageSize = 500
/** A number is taken some moments before it is known of its transaction that it runs. */
const settling = 1_000
/** However long a transaction is open, rows that are this old are read again no more. */
const longest = 10 * 60_000

/** @param window milliseconds for which the rows of an open transaction are waited for, where the store can't tell of it */
export function createEventReader(
  clock: Clock,
  window: number,
  read: ReadEvents,
  deliver: (event: SessionEvent) => void,
): EventReader {
  /** What was told here, by whom ever: when, and with what number if it was read. */
  const told = new Map<string, { readonly at: number; seq: number | null }>()
  const findSettled = createCheckpoints(window)
  /** Where the next look begins; `null` before the first. */
  let resume: number | null = null
  let position = 0

  function claim(eventId: string): boolean {
    if (told.has(eventId)) return false
    told.set(eventId, { at: clock.mono(), seq: null })
    return true
  }

  function take({ seq, ...event }: LoggedEvent, isNews: boolean): void {
    position = Math.max(position, seq)
    const isFirst = claim(event.id)
    told.get(event.id)!.seq = seq
    if (isFirst && isNews) deliver(event)
  }

  return {
    claim,

    async look() {
      const at = clock.mono()
      let page = await read(resume, pageSize)
      if (resume === null) {
        // What was committed before this process looked for the first time is no news.
        for (const event of page.events) take(event, false)
        resume = (page.events[0]?.seq ?? 1) - 1
      } else {
        for (const event of page.events) take(event, true)
        while (page.events.length === pageSize) {
          page = await read(page.events.at(-1)!.seq, pageSize)
          for (const event of page.events) take(event, true)
        }
      }
      resume = Math.max(resume, findSettled({ seq: position, at, next: page.transactions?.next ?? null }, page))
      for (const [id, { seq, at: toldAt }] of told)
        if (seq === null ? at - toldAt >= longest : seq <= resume) told.delete(id)
    },

    position: () => position,
  }
}

/** Answers up to which number no row can appear any more, as far as that is known with this look. */
function createCheckpoints(window: number): (look: Checkpoint, page: EventPage) => number {
  let checkpoints: readonly Checkpoint[] = []
  return (look, { transactions }) => {
    if (look.at - (checkpoints.at(-1)?.at ?? -Infinity) >= settling / 10) checkpoints = [...checkpoints, look]
    const isSettled = ({ at }: Checkpoint): boolean => {
      if (look.at - at >= longest) return true
      if (transactions === null) return look.at - at >= window
      const later = checkpoints.find((other) => other.at >= at + settling)
      return later?.next != null && transactions.oldest >= later.next
    }
    const settled = checkpoints.findLastIndex(isSettled)
    const { seq } = checkpoints[settled] ?? { seq: 0 }
    checkpoints = checkpoints.slice(settled + 1)
    return seq
  }
}
