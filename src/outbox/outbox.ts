import { askInBackground } from '../ask-store.js'
import type { Context } from '../context.js'
import type { Clock } from '../ports/clock.js'
import { randomId } from '../tokens/format.js'
import type { Bus } from '../ports/bus.js'
import type { SessionKey } from '../ports/store.js'
import { keepLink, type BusStatus } from './bus-link.js'
import { createEventReader, type EventReader } from './reader.js'

export interface OutboxSettings {
  /** Milliseconds from the end of one look at the events to the next, at most. */
  readonly pollInterval: number
  /** Milliseconds for which the rows of an open transaction are waited for, where the store can't tell of it. */
  readonly window: number
  /** What wakes this process before the interval is over; `null` for none. */
  readonly bus: Bus | null
  /** Milliseconds between two tests of the bus. */
  readonly heartbeat: number
}

/** Reads the events table again and again, so that this process hears of what all have committed. */
export interface Outbox extends Pick<EventReader, 'claim' | 'expect'> {
  /** Wakes the other processes, after a commit. */
  announce(): void
  /** Tells the other processes, where there is a bus, that the row of this session has changed without an event. */
  announceChange(key: SessionKey): void
  /** The same of a user's devices: one more, or one with another name. No session's standing has to do with it. */
  announceDevices(userId: string): void
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
  /** `null` without a bus. */
  readonly bus: BusStatus | null
}

/** However much is said on the bus, looks begin so far apart at least. */
const pace = 5
/** Waits no longer than this between looks that fail. */
const longestWait = 30_000
/** How long `close` waits for a look that is under way. */
const patience = 500

/** What others have committed is forgotten by the caches of this sessions object, and told to its listeners. */
export function openOutbox<Claims, Transaction>(
  contextOf: () => Context<Claims, Transaction>,
  clock: Clock,
  { pollInterval, window, bus, heartbeat }: OutboxSettings,
): Outbox {
  let delivered = 0
  const fault = (during: 'outbox' | 'bus') => (error: unknown) => contextOf().notifier.emit('error', { error, during })
  const forgetAll = (): void => contextOf().lookup.forgetAll()
  const chance = (): number => (contextOf().random(1)[0] ?? 0) / 255
  const reader = createEventReader(clock, window, {
    read: (after, limit) =>
      askInBackground(contextOf(), (store, { signal }) => store.readEvents(after, limit, { signal })),
    readAt: (seqs) => askInBackground(contextOf(), (store, { signal }) => store.readEventsAt(seqs, { signal })),
    deliver(event, isOwn) {
      const { lookup, notifier } = contextOf()
      delivered += 1
      lookup.changed(event)
      notifier.publish(event, isOwn)
    },
    gap(reason) {
      forgetAll()
      fault('outbox')(reason)
    },
  })
  const looks = createLooks(clock, pollInterval, {
    look: () => reader.look(),
    gap: forgetAll,
    fault: fault('outbox'),
    chance,
  })
  const link =
    bus === null
      ? null
      : keepLink(clock, bus, heartbeat, {
          wake: () => looks.wake(),
          changed: ({ userId, sid }) => contextOf().lookup.forget(userId, sid),
          devicesChanged: (userId) => contextOf().watches.devicesChanged(userId),
          gap: () => (forgetAll(), looks.wake()),
          fault: fault('bus'),
          chance,
          name: () => randomId(contextOf().random),
        })
  return {
    announce: () => link?.announce(),
    announceChange: (key) => link?.announceChange(key),
    announceDevices: (userId) => link?.announceDevices(userId),
    expect: (eventId) => reader.expect(eventId),
    claim: (eventId) => reader.claim(eventId),
    status: () => ({ ...looks.status(), position: reader.position(), delivered, bus: link?.status() ?? null }),
    async close() {
      reader.stop()
      await Promise.all([looks.close(), link?.close()])
    },
  }
}

/** Begins with a second, however long the interval is. */
function waitAfter(failures: number, pollInterval: number): number {
  return Math.min(Math.min(pollInterval, 1_000) * 2 ** Math.min(failures, 10), longestWait)
}

interface LooksWork {
  look(): Promise<void>
  /** After a time in which nothing was heard: what is kept may be older than it seems. */
  gap(): void
  fault(error: unknown): void
  /** From 0 to 1. */
  chance(): number
}

/** Looks again and again, one look at a time. */
function createLooks(
  clock: Clock,
  pollInterval: number,
  work: LooksWork,
): { wake(): void; status(): Pick<OutboxStatus, 'age' | 'failed'>; close(): Promise<void> } {
  let lookedAt: number | null = null
  let failed = 0
  let failures = 0
  let begunAt = 0
  let isLooking = true
  let isWoken = false
  let isClosed = false
  let cancel = (): void => {}

  async function look(): Promise<void> {
    isWoken = false
    begunAt = clock.mono()
    try {
      await work.look()
      if (lookedAt === null || failures > 0) work.gap()
      lookedAt = begunAt
      failures = 0
    } catch (error) {
      failures += 1
      failed += 1
      work.fault(error)
    }
  }

  async function lookOn(): Promise<void> {
    isLooking = true
    if (!isClosed) await look()
    isLooking = false
    if (isClosed) return
    if (isWoken && failures === 0) return next()
    // Where it fails, more and more slowly; and never many nodes at the same moment.
    const wait = failures === 0 ? pollInterval : waitAfter(failures, pollInterval)
    cancel = clock.after(wait * (0.75 + work.chance() / 4), begin)
  }

  /** At once, unless the last one was only just now. */
  function next(): void {
    const rest = begunAt + pace - clock.mono()
    if (rest > 0) cancel = clock.after(rest, begin)
    else begin()
  }

  function begin(): void {
    looking = lookOn()
  }

  // In a moment: what it works with is only being made.
  let looking: Promise<void> = Promise.resolve().then(lookOn)
  return {
    /** Where looks fail it changes nothing: a bus that is well must not hammer a database that is not. */
    wake() {
      isWoken = true
      if (isLooking || isClosed || failures > 0) return
      cancel()
      next()
    },
    status: () => ({ age: lookedAt === null ? null : Math.round(clock.mono() - lookedAt), failed }),
    async close() {
      isClosed = true
      cancel()
      // A look holds nothing that needs to be finished: a store that hangs does not hold up the end.
      await Promise.race([looking, new Promise<void>((resolve) => void clock.after(patience, resolve))])
    },
  }
}
