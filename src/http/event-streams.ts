import { nameOf } from '../ids.js'
import { createHeart } from '../live/heart.js'
import type { Clock } from '../ports/clock.js'
import type { Random } from '../ports/random.js'
import type { Sessions } from '../sessions.js'
import type { WatchEvent } from '../watch/events.js'
import type { RequestHead } from './request.js'

/** The open event streams (Server-Sent Events) of a process. */
export interface EventStreams {
  /** Opens one. Its client is told at once, and hears nothing twice that would be the same. */
  open(session: { readonly userId: string; readonly sid: string }, request: RequestHead): Response
  readonly size: number
  /** Ends all, and tells their clients when to come back: not all at the same moment. */
  close(): void
}

/** Milliseconds. A proxy that hears nothing for a minute may take a connection for dead. */
const keepAlive = 20_000
/** Of one session; who opens more loses the oldest. A browser has one for all its tabs. */
const most = 20
/** Chunks that wait for a client; who takes none for two signs of life is taken for dead. */
const waiting = 16
const retry = 2_000

interface Stream {
  /** Answers whether it was taken. */
  push(text: string): boolean
  /** Says this last, and ends; to who does not even listen, by breaking off. */
  end(text: string): void
  /** Signs of life that found no room. */
  stalls: number
}

export function createEventStreams(
  sessions: Pick<Sessions, 'watch'>,
  { clock, random }: { readonly clock: Clock; readonly random: Random },
): EventStreams {
  const open = createOpenStreams(clock, closing)
  let isClosed = false

  function closing(): string {
    const wait = retry + Math.round(((random(1)[0] ?? 0) / 255) * retry)
    return `retry: ${wait}\n${format({ type: 'closed' })}`
  }

  return {
    open(session, request) {
      const name = nameOf(session)
      // Whoever comes back may have missed something, and asks for the list again.
      const isBack = request.headers.get('last-event-id') !== null
      let leave = (): void => {}
      const body = new ReadableStream<Uint8Array>(
        {
          start(controller) {
            const stream = createStream(controller, () => leave())
            // Its request was still being checked when the server began to stop.
            if (isClosed) return stream.end(closing())
            open.add(name, stream)
            stream.push(`retry: ${retry}\n:\n\n`)
            const stop = watchInto(sessions, session, stream, isBack, closing)
            leave = () => (stop(), open.drop(name, stream))
            return undefined
          },
          cancel: () => leave(),
        },
        { highWaterMark: waiting },
      )
      return new Response(body, { headers })
    },
    get size() {
      return open.all().length
    },
    close() {
      isClosed = true
      for (const stream of open.all()) stream.end(closing())
    },
  }
}

const headers: Readonly<Record<string, string>> = {
  'Content-Type': 'text/event-stream',
  // A proxy that gathers or packs what it passes on would hold the events back.
  'Cache-Control': 'no-store, no-transform',
  'X-Accel-Buffering': 'no',
  Vary: 'Authorization, Cookie, Origin, Sec-Fetch-Site',
}

interface OpenStreams {
  add(session: string, stream: Stream): void
  drop(session: string, stream: Stream): void
  all(): readonly Stream[]
}

/** Keeps them alive by one timer for all, and few of each session. */
function createOpenStreams(clock: Clock, closing: () => string): OpenStreams {
  const streams = new Set<Stream>()
  const bySession = new Map<string, Set<Stream>>()
  const heart = createHeart(clock, keepAlive, () => {
    for (const stream of streams) {
      stream.stalls = stream.push(':\n\n') ? 0 : stream.stalls + 1
      if (stream.stalls >= 2) stream.end('')
    }
  })

  return {
    add(session, stream) {
      const own = bySession.get(session) ?? new Set()
      bySession.set(session, own.add(stream))
      streams.add(stream)
      const [oldest] = own
      if (own.size > most) oldest!.end(closing())
      heart.begin()
    },
    drop(session, stream) {
      streams.delete(stream)
      const own = bySession.get(session)
      own?.delete(stream)
      if (own?.size === 0) bySession.delete(session)
      if (streams.size === 0) heart.stop()
    },
    all: () => [...streams],
  }
}

function watchInto(
  sessions: Pick<Sessions, 'watch'>,
  session: { readonly userId: string; readonly sid: string },
  stream: Stream,
  isBack: boolean,
  closing: () => string,
): () => void {
  let isFirst = true
  return sessions.watch(session, (event) => {
    if (event.type === 'closed') return stream.end(closing())
    if (event.type === 'ended') return stream.end(format(event))
    // What finds no room is in what the client is told when it comes back.
    stream.push(format(event))
    if (isFirst && isBack) stream.push(format({ type: 'devices' }))
    isFirst = false
  })
}

function createStream(controller: ReadableStreamDefaultController<Uint8Array>, leave: () => void): Stream {
  const encoder = new TextEncoder()
  let isOpen = true
  const hasRoom = (): boolean => (controller.desiredSize ?? 0) > 0
  return {
    stalls: 0,
    push(text) {
      if (!isOpen || !hasRoom()) return false
      controller.enqueue(encoder.encode(text))
      return true
    },
    end(text) {
      if (!isOpen) return
      isOpen = false
      leave()
      if (!hasRoom()) return controller.error(new Error('the client does not read'))
      if (text !== '') controller.enqueue(encoder.encode(text))
      controller.close()
    },
  }
}

/** With an id, so that a client that comes back says so. */
function format({ type, ...data }: WatchEvent): string {
  return `id: ${type}\nevent: ${type}\ndata: ${JSON.stringify(data)}\n\n`
}
