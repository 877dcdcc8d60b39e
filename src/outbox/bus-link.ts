import type { Bus, BusLink } from '../ports/bus.js'
import type { Clock } from '../ports/clock.js'
import type { SessionKey } from '../ports/store.js'
import { createNews, look, nameSession, nameUser, readMessage, writeMessage, type News } from './news.js'
import { createPulse } from './pulse.js'

export interface LinkWork {
  /** Something may have been committed. */
  wake(): void
  /** The row of this session has changed. */
  changed(key: SessionKey): void
  /** This user has one device more, or one with another name. */
  devicesChanged(userId: string): void
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
  /** Wakes all. Many calls at once are few messages; while the link is down they wait for the next. */
  announce(): void
  /** Tells all that the row of this session has changed without an event. */
  announceChange(key: SessionKey): void
  /** Tells all that this user has one device more, or one with another name. */
  announceDevices(userId: string): void
  status(): BusStatus
  close(): Promise<void>
}

export interface BusStatus {
  /** Whether this process hears what it says itself. */
  readonly isUp: boolean
  /** Milliseconds since it last did; `null` before the first time. */
  readonly lastHeard: number | null
  /** Milliseconds that its last message to itself took; `null` before the first one came back. */
  readonly lag: number | null
  /** How often the link was lost, or could not be made, since the process began. */
  readonly lost: number
}

const longestWait = 30_000
/** How long a link that is given up may take to end. */
const patience = 500

/** @param heartbeat milliseconds; a link that hears nothing is given up within three of them */
export function keepLink(clock: Clock, bus: Bus, heartbeat: number, work: LinkWork): KeptLink {
  const news = createNews()
  let link: TestedLink | null = null
  let isUp = false
  let heardAt: number | null = null
  let lag: number | null = null
  let lost = 0
  let failures = 0
  let isClosed = false
  let cancel = (): void => {}

  function open(): void {
    link = openLink(clock, bus, heartbeat, news, {
      name: work.name(),
      wake: () => work.wake(),
      changed: (key) => work.changed(key),
      devicesChanged: (userId) => work.devicesChanged(userId),
      heard(took) {
        heardAt = clock.mono()
        lag = Math.round(took * 100) / 100
        // Only once it has held for a heartbeat: one that comes and goes is to be made ever more slowly.
        if (isUp) {
          failures = 0
          return
        }
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

  function say(item: string): void {
    news.add([item])
    link?.say()
  }

  // In a moment: what it works with is only being made.
  void Promise.resolve().then(() => isClosed || open())
  return {
    announce: () => say(look),
    announceChange: (key) => say(nameSession(key)),
    announceDevices: (userId) => say(nameUser(userId)),
    status: () => ({ isUp, lastHeard: heardAt === null ? null : Math.round(clock.mono() - heardAt), lag, lost }),
    async close() {
      isClosed = true
      isUp = false
      cancel()
      await link?.close()
    },
  }
}

interface TestedLink {
  /** Sends what is new. */
  say(): void
  close(): Promise<void>
}

interface TestedLinkWork extends Pick<LinkWork, 'wake' | 'changed' | 'devicesChanged'> {
  readonly name: string
  heard(took: number): void
  ended(reason: unknown): void
}

/** One link, from the first try to its end, which it tells once. */
function openLink(clock: Clock, bus: Bus, heartbeat: number, news: News, work: TestedLinkWork): TestedLink {
  const controller = new AbortController()
  let link: BusLink | null = null
  let isOver = false
  const { say, giveBack } = createSpeaker(news, { isReady: () => !isOver && link !== null, send, failed: end })
  const pulse = createPulse(clock, heartbeat, {
    name: work.name,
    send: (text) => void send(text).catch(end),
    heard: (took) => work.heard(took),
    failed: end,
  })

  async function close(): Promise<void> {
    isOver = true
    pulse.stop()
    controller.abort()
    // It holds nothing that needs to be finished: a bus that hangs does not hold up the end.
    await Promise.race([closeLink().catch(() => {}), new Promise<void>((end) => void clock.after(patience, end))])
  }

  function end(reason: unknown): void {
    if (isOver) return
    void close()
    giveBack()
    work.ended(reason)
  }

  function message(given: unknown): void {
    if (isOver) return
    const text = String(given)
    if (pulse.take(text)) return
    const { sessions, users, isLook } = readMessage(text)
    for (const key of sessions) work.changed(key)
    for (const userId of users) work.devicesChanged(userId)
    if (isLook) work.wake()
  }

  // A bus may be anybody's: what it throws is told as what it rejects with.
  async function connect(): Promise<void> {
    link = await bus.connect({ message, closed: end, signal: controller.signal })
    if (typeof (link as Partial<BusLink> | undefined)?.send !== 'function')
      throw new TypeError('what the bus connected to can send nothing: it is no BusLink')
    if (isOver) return close()
    pulse.begin()
    say()
  }
  async function send(text: string): Promise<void> {
    await link?.send(text)
  }
  async function closeLink(): Promise<void> {
    await link?.close()
  }

  connect().catch(end)
  return { say, close }
}

interface SpeakerWork {
  isReady(): boolean
  send(text: string): Promise<void>
  failed(reason: unknown): void
}

/** Says what is new, one message at a time; what comes up meanwhile shares the next. */
function createSpeaker(news: News, work: SpeakerWork): { say(): void; giveBack(): void } {
  let saying: readonly string[] = []

  function say(): void {
    if (!work.isReady() || saying.length > 0) return
    saying = news.take()
    if (saying.length === 0) return
    work
      .send(writeMessage(saying))
      .then(() => {
        saying = []
        say()
      })
      .catch((reason: unknown) => work.failed(reason))
  }

  // What is on its way may have been lost: the next link says it again.
  return { say, giveBack: () => news.add(saying) }
}
