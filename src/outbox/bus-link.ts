import type { Bus, BusLink } from '../ports/bus.js'
import type { Clock } from '../ports/clock.js'

export interface LinkWork {
  /** Something may have been committed. */
  wake(): void
  /** The link hears again, or for the first time: what was said before is lost. */
  gap(): void
  fault(error: unknown): void
  /** From 0 to 1. */
  chance(): number
  /** A name that no other process has. */
  name(): string
}

/** Keeps a link to the bus, notices when it is deaf, and makes another. */
export interface KeptLink {
  /** Wakes all. Many calls at once are few messages. */
  announce(): void
  status(): LinkStatus
  close(): Promise<void>
}

export interface LinkStatus {
  /** Whether this process hears what it says itself. */
  readonly isUp: boolean
  /** Milliseconds since it last did; `null` before the first time. */
  readonly lastHeard: number | null
  /** How often the link was lost, or could not be made, since the process began. */
  readonly lost: number
}

const look = 'look'
const longestWait = 30_000
const deaf = 'the bus does not hear what it says: the way to its server is cut'

/** @param heartbeat milliseconds; a link that hears nothing is given up within three of them */
export function keepLink(clock: Clock, bus: Bus, heartbeat: number, work: LinkWork): KeptLink {
  let link: TestedLink | null = null
  let isUp = false
  let heardAt: number | null = null
  let lost = 0
  let failures = 0
  let isClosed = false
  let cancel = (): void => {}

  function open(): void {
    link = openLink(clock, bus, heartbeat, {
      name: work.name(),
      wake: () => work.wake(),
      heard() {
        heardAt = clock.mono()
        failures = 0
        if (isUp) return
        isUp = true
        work.gap()
      },
      ended(reason) {
        isUp = false
        lost += 1
        failures += 1
        work.fault(reason)
        // When a server comes back, so do all, and not at the same moment.
        const wait = Math.min(100 * 2 ** Math.min(failures, 10), longestWait) * (0.5 + work.chance() / 2)
        cancel = clock.after(wait, open)
      },
    })
  }

  // In a moment: what it works with is only being made.
  void Promise.resolve().then(() => isClosed || open())
  return {
    announce: () => link?.announce(),
    status: () => ({ isUp, lastHeard: heardAt === null ? null : clock.mono() - heardAt, lost }),
    async close() {
      isClosed = true
      isUp = false
      cancel()
      await link?.close()
    },
  }
}

interface TestedLink {
  announce(): void
  close(): Promise<void>
}

interface TestedLinkWork {
  readonly name: string
  wake(): void
  heard(): void
  ended(reason: unknown): void
}

/** One link, from the first try to its end, which it tells once. */
function openLink(clock: Clock, bus: Bus, heartbeat: number, work: TestedLinkWork): TestedLink {
  let link: BusLink | null = null
  let beats = 0
  let awaited = ''
  let isOver = false
  let cancel = clock.after(2 * heartbeat, () => end(new Error(deaf)))

  async function close(): Promise<void> {
    isOver = true
    cancel()
    await link?.close().catch(() => {})
  }

  function end(reason: unknown): void {
    if (isOver) return
    void close()
    work.ended(reason)
  }

  function beat(): void {
    beats += 1
    awaited = `beat ${work.name} ${beats}`
    link?.send(awaited).catch(end)
  }

  function message(text: string): void {
    if (isOver) return
    // Of whatever else is said on this channel, a look costs least.
    if (!text.startsWith('beat ')) return work.wake()
    if (text !== awaited) return
    cancel()
    cancel = clock.after(heartbeat, () => {
      cancel = clock.after(2 * heartbeat, () => end(new Error(deaf)))
      beat()
    })
    work.heard()
  }

  bus.connect({ message, closed: end }).then(async (opened) => {
    link = opened
    if (isOver) await close()
    else beat()
  }, end)

  return { announce: createAnnouncer((text) => (isOver || link === null ? null : link.send(text).catch(end))), close }
}

/** One message at a time; who comes meanwhile shares the next. */
function createAnnouncer(send: (text: string) => Promise<void> | null): () => void {
  let isSaying = false
  let hasMore = false
  return function announce() {
    hasMore = isSaying
    const said = isSaying ? null : send(look)
    if (said === null) return
    isSaying = true
    void said.then(() => {
      isSaying = false
      if (hasMore) announce()
    })
  }
}
