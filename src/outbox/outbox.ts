import { askInBackground } from '../ask-store.js'
import type { Context } from '../context.js'
import type { Clock } from '../ports/clock.js'
import { createEventReader, type EventReader } from './reader.js'

export interface OutboxSettings {
  /** Milliseconds from the end of one look at the events to the next, at most. */
  readonly pollInterval: number
  /** Milliseconds for which the rows of an open transaction are waited for, where the store can't tell of it. */
  readonly window: number
}

/** Reads the events table again and again, so that this process hears of what all have committed. */
export interface Outbox extends Pick<EventReader, 'claim'> {
  status(): OutboxStatus
  /** Ends it; resolves when no read is under way. */
  close(): Promise<void>
}

export interface OutboxStatus {
  /** Milliseconds since the last look that succeeded began: what was committed before is known here. `null` before the first. */
  readonly age: number | null
  /** The number of the last event that was read. */
  readonly position: number
  /** Events that were told here first by this reader: of other processes, and own ones of whose commit nobody had told. */
  readonly delivered: number
  /** Looks that failed since the process began. */
  readonly failed: number
}

/** Waits no longer than this between looks that fail. */
const longestWait = 30_000

/** What others have committed is forgotten by the caches of this sessions object, and told to its listeners. */
export function openOutbox<Claims, Transaction>(
  contextOf: () => Context<Claims, Transaction>,
  clock: Clock,
  settings: OutboxSettings,
): Outbox {
  const counts = { delivered: 0, failed: 0 }
  const reader = createEventReader(
    clock,
    settings.window,
    (after, limit) => askInBackground(contextOf(), (store, { signal }) => store.readEvents(after, limit, { signal })),
    (event) => {
      const { lookup, notifier } = contextOf()
      counts.delivered += 1
      lookup.changed(event)
      notifier.publish(event)
    },
  )
  let lookedAt: number | null = null
  let failures = 0
  let isClosed = false
  let cancel = (): void => {}
  let looking: Promise<void>

  async function look(): Promise<void> {
    const at = clock.mono()
    const { lookup, notifier, random } = contextOf()
    try {
      await reader.look()
      // Nothing was heard before, or for a time: what is kept may be older than it seems.
      if (lookedAt === null || failures > 0) lookup.forgetAll()
      lookedAt = at
      failures = 0
    } catch (error) {
      failures += 1
      counts.failed += 1
      notifier.emit('error', { error, during: 'outbox' })
    }
    if (isClosed) return
    // Where it fails, more and more slowly; and never many nodes at the same moment.
    const wait = Math.min(
      settings.pollInterval * 2 ** Math.min(failures, 10),
      Math.max(settings.pollInterval, longestWait),
    )
    cancel = clock.after(wait * (0.75 + (random(1)[0] ?? 0) / 1_024), () => void (looking = look()))
  }

  // In a moment: the context is only being made.
  looking = Promise.resolve().then(look)
  return {
    claim: (eventId) => isClosed || reader.claim(eventId),
    status: () => ({
      age: lookedAt === null ? null : clock.mono() - lookedAt,
      position: reader.position(),
      ...counts,
    }),
    async close() {
      isClosed = true
      cancel()
      await looking
    },
  }
}
