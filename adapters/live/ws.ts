import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { WebSocket, WebSocketServer } from 'ws'
import { toMilliseconds, type Duration } from '../../src/durations.js'
import { checkCount } from '../../src/options.js'
import type { Auth } from '../../src/http/guard.js'
import { headOf } from '../../src/http/node.js'
import {
  createConnections,
  type ConnectionEnd,
  type LiveConnection,
  type LiveOptions,
} from '../../src/live/connections.js'
import { createHeart } from '../../src/live/heart.js'
import { systemClock, type Clock } from '../../src/ports/clock.js'
import type { Sessions } from '../../src/sessions.js'

export type { LiveOptions } from '../../src/live/connections.js'

export interface WsAuthOptions extends LiveOptions {
  /**
   * How often a client is asked for a sign of life, 1 second to 10 minutes. Who gives none until the next time, or takes
   * nothing of what is sent, is cut off. Default `'30s'`.
   */
  readonly heartbeat?: Duration | undefined
  /** How many bytes may wait for a client that does not read, up to 1 GB. Default 1 MB. */
  readonly maxBuffered?: number | undefined
}

export interface WsAuth<Claims> {
  /**
   * For `server.on('upgrade', …)`: checks the handshake and hands it to the `WebSocketServer`, or answers with the refusal. The
   * token comes as `Authorization`, as cookie, or from a browser that has neither as the second subprotocol:
   * `new WebSocket(url, ['rollcall', 'bearer.' + accessToken])`. Never from the address.
   */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void
  /** Who a connection is from. @throws TypeError for one that was not admitted here */
  of(socket: WebSocket): Auth<Claims>
  /** Takes a newer access token of the same session, which the app was given over the connection. @throws RollcallError */
  renew(socket: WebSocket, accessToken: string): Promise<Auth<Claims>>
  /** Ends all connections (1012), before the server stops. */
  close(): void
}

/** Close codes: 4000 and up are the app's own (RFC 6455 section 7.4.2). */
const closeCodes = { ended: 4401, closing: 1012 } as const
/** How long a client may take to answer a close, in milliseconds. */
const patience = 1_000

interface Member<Claims> extends LiveConnection<Claims> {
  readonly socket: WebSocket
  isAlive: boolean
}

/**
 * WebSockets that end with their session: with 4401 and the code for a reason.
 * @param server made with `noServer: true`, and a `maxPayload` that fits what clients may send
 * @example
 * const auth = wsAuth(sessions, new WebSocketServer({ noServer: true, maxPayload: 65_536 }))
 * httpServer.on('upgrade', auth.upgrade)
 * @throws TypeError for an option that is unknown or of a wrong type
 */
export function wsAuth<Claims>(
  sessions: Sessions<Claims>,
  server: WebSocketServer,
  options: WsAuthOptions = {},
): WsAuth<Claims> {
  const { heartbeat = '30s', maxBuffered = 1_048_576, ...rest } = options
  const interval = toMilliseconds(heartbeat, 'heartbeat', '1s', '10m')
  checkCount('maxBuffered', maxBuffered, 0, 1_073_741_824)
  const { clock = systemClock } = rest
  const connections = createConnections(sessions, rest)
  const members = new Map<WebSocket, Member<Claims>>()
  const heart = createHeart(clock, interval, () => members.forEach((member) => ask(member, maxBuffered)))

  function open(socket: WebSocket, auth: Auth<Claims>): void {
    const member = { socket, auth, isAlive: true, end: (why: ConnectionEnd) => close(socket, why, clock) }
    members.set(socket, member)
    socket.on('pong', () => (member.isAlive = true))
    // A frame that is too large, for example: ws itself closes the connection.
    socket.on('error', () => {})
    socket.once('close', () => {
      members.delete(socket)
      connections.release(member)
      if (members.size === 0) heart.stop()
    })
    connections.bind(member)
    heart.begin()
  }

  async function admit(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    // A client that hangs up meanwhile is no fault.
    socket.on('error', () => {})
    let isOpen = false
    try {
      const auth = await connections.admit(headOf(request, request.url ?? '/'), readProtocol(request))
      server.handleUpgrade(request, socket, head, (opened) => {
        isOpen = true
        open(opened, auth)
        server.emit('connection', opened, request)
      })
    } catch (error) {
      const answer = connections.answerError(error)
      // Thrown by the app's listener, of a connection that speaks HTTP no more.
      if (isOpen) socket.destroy()
      else await refuse(socket, answer)
    }
  }

  function memberOf(socket: WebSocket): Member<Claims> {
    const member = members.get(socket)
    if (member === undefined) throw new TypeError('this connection was not admitted here, or has ended')
    return member
  }

  return {
    upgrade: (request, socket, head) => void admit(request, socket, head),
    of: (socket) => memberOf(socket).auth,
    renew: async (socket, accessToken) => connections.renew(memberOf(socket), accessToken),
    close: () => connections.close(),
  }
}

/** Asks for a sign of life, and cuts off who gave none since the last time, or takes nothing. */
function ask(member: Pick<Member<unknown>, 'socket' | 'isAlive'>, maxBuffered: number): void {
  const { socket } = member
  if (!member.isAlive || socket.bufferedAmount > maxBuffered) return socket.terminate()
  member.isAlive = false
  return socket.ping()
}

/** Behind the first one, which is what the server answers with. */
function readProtocol({ headers }: IncomingMessage): string | null {
  const [, ...more] = (headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim())
  const bearer = more.find((name) => name.startsWith('bearer.'))
  return bearer === undefined ? null : bearer.slice('bearer.'.length)
}

function close(socket: WebSocket, { code }: ConnectionEnd, clock: Clock): void {
  socket.close(code === 'server_closing' ? closeCodes.closing : closeCodes.ended, code)
  socket.once(
    'close',
    clock.after(patience, () => socket.terminate()),
  )
}

/** Hangs up itself: nobody else watches over the connection of a client that does not. */
async function refuse(socket: Duplex, response: Response): Promise<void> {
  const body = await response.text()
  const lines = [...response.headers, ['Content-Length', String(Buffer.byteLength(body))], ['Connection', 'close']]
  const head = lines.map(([name, value]) => `${name}: ${value}`).join('\r\n')
  socket.once('finish', () => socket.destroy())
  socket.end(`HTTP/1.1 ${response.status} Refused\r\n${head}\r\n\r\n${body}`)
}
