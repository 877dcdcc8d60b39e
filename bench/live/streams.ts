import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { now } from './orders.js'

/** An open event stream, read from a bare socket. */
export interface Stream {
  /** When its end was heard of, in microseconds. */
  readonly ended: Promise<number>
  leave(): void
}

/** Opens streams, some at a time, and waits for the first event of each. */
export async function openStreams(port: number, tokens: readonly string[]): Promise<Stream[]> {
  const streams: Stream[] = []
  const atOnce = 100
  for (let start = 0; start < tokens.length; start += atOnce)
    streams.push(...(await Promise.all(tokens.slice(start, start + atOnce).map((token) => openStream(port, token)))))
  return streams
}

async function openStream(port: number, token: string): Promise<Stream> {
  const socket = connect(port, '127.0.0.1')
  socket.setEncoding('latin1')
  await once(socket, 'connect')
  socket.write(`GET /auth/events HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer ${token}\r\n\r\n`)
  await untilHeard(socket, 'event: standing')
  return { ended: untilHeard(socket, 'event: ended'), leave: () => socket.destroy() }
}

/** Rejects for an answer that is none. */
function untilHeard(socket: Socket, wanted: string): Promise<number> {
  return new Promise((resolve, reject) => {
    let text = ''
    const hear = (chunk: string): void => {
      text = (text + chunk).slice(-2_000)
      if (!text.includes(wanted)) return
      socket.off('data', hear)
      resolve(now())
    }
    socket.on('data', hear)
    socket.once('error', reject)
    socket.once('close', () => resolve(Number.NaN))
  })
}
