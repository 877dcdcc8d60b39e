import { once } from 'node:events'
import { createServer, type Server as HttpServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Server } from 'socket.io'
import { io } from 'socket.io-client'
import { WebSocket, WebSocketServer } from 'ws'
import { socketIoAuth } from '../../adapters/live/socket-io.js'
import { wsAuth } from '../../adapters/live/ws.js'
import type { LiveOptions } from '../../src/live/connections.js'
import type { Sessions } from '../../src/sessions.js'

/** How a client connects. */
export interface Handshake {
  readonly token?: string
  readonly cookie?: string
  readonly headers?: Record<string, string>
  /** Put into the address. */
  readonly query?: string
}

/** A client's connection, once it is open. */
export interface Client {
  /** How it ended: `session_ended`, `server_closing`, or what else there was. */
  readonly ended: Promise<string>
  isOpen(): boolean
  /** Says something, and hears the answer of {@link answer}. */
  ask(text: string): Promise<string>
  leave(): void
}

/** A server of live connections, and the clients of its kind. */
export interface LiveServer {
  readonly url: string
  /** Rejects with `401 session_ended`. */
  connect(handshake: Handshake): Promise<Client>
  /** Connections that are open here. */
  size(): number
  close(): Promise<void>
}

export type Kind = 'ws' | 'Socket.IO'

export function serve(kind: Kind, sessions: Sessions, options: LiveOptions = {}): Promise<LiveServer> {
  return kind === 'ws' ? serveWs(sessions, options) : serveSocketIo(sessions, options)
}

async function listen(server: HttpServer): Promise<string> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function serveWs(sessions: Sessions, options: LiveOptions): Promise<LiveServer> {
  const http = createServer()
  const server = new WebSocketServer({ noServer: true, maxPayload: 65_536 })
  const auth = wsAuth(sessions, server, options)
  http.on('upgrade', auth.upgrade)
  server.on('connection', (socket) => {
    socket.on('message', async (data) => {
      const text = String(data as Buffer)
      if (!text.startsWith('renew ')) return socket.send(auth.of(socket).userId)
      await auth.renew(socket, text.slice(6)).then(
        ({ expiresAt }) => socket.send(expiresAt.toJSON()),
        (error: { code: string }) => socket.send(error.code),
      )
    })
  })
  const host = await listen(http)
  return {
    url: `http://${host}`,
    size: () => server.clients.size,
    connect: (handshake) => connectWs(`ws://${host}/${handshake.query ?? ''}`, handshake),
    async close() {
      auth.close()
      const closed = once(http, 'close')
      http.close()
      await closed
    },
  }
}

export async function connectWs(url: string, { token, cookie, headers }: Handshake): Promise<Client> {
  const socket = new WebSocket(url, token === undefined ? [] : ['rollcall', `bearer.${token}`], {
    headers: { ...headers, ...(cookie && { cookie }) },
  })
  const refused = once(socket, 'unexpected-response').then(async ([, response]) => {
    let text = ''
    for await (const chunk of response as AsyncIterable<Buffer>) text += String(chunk)
    const { code } = JSON.parse(text) as { code: string }
    throw new Error(`${(response as { statusCode: number }).statusCode} ${code}`)
  })
  const ended = new Promise<string>((resolve) =>
    socket.once('close', (code, reason) => resolve(code === 4401 || code === 1012 ? String(reason) : String(code))),
  )
  socket.on('error', () => {})
  await Promise.race([once(socket, 'open'), refused])
  refused.catch(() => {})
  return {
    ended,
    isOpen: () => socket.readyState === WebSocket.OPEN,
    async ask(text) {
      socket.send(text)
      const [data] = (await once(socket, 'message')) as [Buffer]
      return String(data)
    },
    leave: () => socket.terminate(),
  }
}

async function serveSocketIo(sessions: Sessions, options: LiveOptions): Promise<LiveServer> {
  const http = createServer()
  const server = new Server(http)
  const auth = socketIoAuth(sessions, options)
  auth.protect(server)
  server.on('connection', (socket) => {
    socket.on('ask', async (text: string, answer: (text: string) => void) => {
      if (!text.startsWith('renew ')) return answer(auth.of(socket).userId)
      await auth.renew(socket, text.slice(6)).then(
        ({ expiresAt }) => answer(expiresAt.toJSON()),
        (error: { code: string }) => answer(error.code),
      )
    })
  })
  const host = await listen(http)
  return {
    url: `http://${host}`,
    size: () => server.sockets.sockets.size,
    connect: (handshake) => connectSocketIo(`http://${host}`, handshake),
    async close() {
      auth.close()
      await server.close()
    },
  }
}

export async function connectSocketIo(url: string, { token, cookie, headers, query }: Handshake): Promise<Client> {
  const socket = io(url, {
    forceNew: true,
    reconnection: false,
    transports: ['websocket'],
    auth: token === undefined ? {} : { token },
    query: Object.fromEntries(new URLSearchParams(query)),
    extraHeaders: { ...headers, ...(cookie && { cookie }) },
  })
  let told = ''
  socket.once('ended', ({ code }: { code: string }) => (told = code))
  const ended = new Promise<string>((resolve) => socket.once('disconnect', (reason) => resolve(told || reason)))
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve)
    socket.once('connect_error', (error: Error & { data?: { code: string; status: number } }) => {
      socket.disconnect()
      reject(new Error(error.data ? `${error.data.status} ${error.data.code}` : error.message))
    })
  })
  return {
    ended,
    isOpen: () => socket.connected,
    ask: (text) => socket.timeout(5_000).emitWithAck('ask', text) as Promise<string>,
    leave: () => void socket.disconnect(),
  }
}
