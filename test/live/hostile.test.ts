import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { connect, type AddressInfo, type Socket } from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { wsAuth, type WsAuth } from '../../adapters/live/ws.js'
import type { Sessions } from '../../src/sessions.js'
import { openSessions } from '../http/open.js'

let sessions: Sessions<{ role: string }, never, string>
let http: Server
let server: WebSocketServer
let auth: WsAuth<{ role: string }>
let url: string
let token: string
beforeEach(async () => {
  sessions = await openSessions()
  token = (await sessions.create({ userId: 'ann' })).accessToken
  http = createServer()
  server = new WebSocketServer({ noServer: true, maxPayload: 65_536 })
  auth = wsAuth(sessions, server, { heartbeat: '1s', maxBuffered: 1_000_000 })
  http.on('upgrade', auth.upgrade)
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  url = `ws://127.0.0.1:${(http.address() as AddressInfo).port}/`
})
afterEach(async () => {
  auth.close()
  await sessions.close()
  const closed = once(http, 'close')
  http.close()
  http.closeAllConnections()
  await closed
})

async function open(options: object = {}): Promise<WebSocket> {
  const socket = new WebSocket(url, ['rollcall', `bearer.${token}`], options)
  socket.on('error', () => {})
  await once(socket, 'open')
  return socket
}

const nothingLeft = { timeout: 6_000 }
const counts = (): [number, number] => [server.clients.size, sessions.status().watched]

test('a client that gives no sign of life is cut off, one that does is not', async () => {
  const [dead, alive] = [await open({ autoPong: false }), await open()]
  await once(dead, 'close')
  await expect.poll(() => server.clients.size, nothingLeft).toBe(1)
  expect(alive.readyState).toBe(WebSocket.OPEN)
})

test('a client that reads nothing is cut off before it holds much memory', async () => {
  const socket = await open()
  const [serverSide] = server.clients
  socket.pause()
  const before = process.memoryUsage().rss
  let sent = 0
  // What the app would go on sending, as long as the connection is open.
  while (serverSide!.readyState === WebSocket.OPEN && sent < 2_000) {
    serverSide!.send(Buffer.alloc(60_000))
    sent += 1
    await new Promise((resolve) => setTimeout(() => resolve(null), 5))
  }
  expect(serverSide!.readyState).not.toBe(WebSocket.OPEN)
  expect(process.memoryUsage().rss - before).toBeLessThan(300_000_000)
  await expect.poll(counts, nothingLeft).toEqual([0, 0])
  socket.terminate()
})

test('a client that does not answer the end of its session is gone a second later all the same', async () => {
  const socket = await open()
  socket.pause()
  await sessions.revokeAll('ann')
  await expect.poll(counts, nothingLeft).toEqual([0, 0])
  socket.terminate()
})

test('a frame beyond maxPayload ends its connection (1009) and no other', async () => {
  const [greedy, other] = [await open(), await open()]
  greedy.send(Buffer.alloc(65_537))
  const [code] = (await once(greedy, 'close')) as [number]
  expect([code, other.readyState]).toEqual([1009, WebSocket.OPEN])
})

test('clients that connect again and again leave nothing behind', async () => {
  for (let round = 0; round < 30; round += 1) {
    const sockets = await Promise.all(Array.from({ length: 10 }, () => open()))
    for (const socket of sockets) socket.terminate()
  }
  await expect.poll(counts, nothingLeft).toEqual([0, 0])
})

test('a client that hangs up within its handshake, or sends none that is one, is no error of the server', async () => {
  const { port } = http.address() as AddressInfo
  const head = `GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nAuthorization: Bearer ${token}\r\n`
  for (const text of [
    `${head}Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`,
    `${head}\r\n`,
    `${head}Sec-WebSocket-Version: 99\r\nSec-WebSocket-Key: x\r\n\r\n`,
    'GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n',
  ]) {
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => {})
    socket.write(text, () => socket.resetAndDestroy())
    await once(socket, 'close')
  }
  const socket = await open()
  await expect.poll(() => server.clients.size, nothingLeft).toBe(1)
  socket.terminate()
})

test('a token as the first subprotocol is refused, since the server would answer with it', async () => {
  const socket = new WebSocket(url, [`bearer.${token}`])
  socket.on('error', () => {})
  const [, response] = (await once(socket, 'unexpected-response')) as [unknown, { statusCode: number; headers: object }]
  expect(response.statusCode).toBe(401)
  expect(JSON.stringify(response.headers)).not.toContain(token.slice(-20))
})

/** A client that writes its handshake and never hangs up. */
function shakeHands(headers = ''): { readonly socket: Socket; text: string } {
  const { port } = http.address() as AddressInfo
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  const client = { socket, text: '' }
  socket.on('error', () => {})
  socket.on('data', (chunk) => (client.text += String(chunk)))
  socket.write(
    `GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n` +
      `Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n${headers}\r\n`,
  )
  return client
}

test('a client that is refused and does not hang up holds no connection', async () => {
  const clients = Array.from({ length: 20 }, () => shakeHands())
  const connected = (): Promise<number> =>
    new Promise((resolve) => http.getConnections((_error, count) => resolve(count)))
  await expect.poll(() => clients.every(({ text }) => text.includes('token_missing')), nothingLeft).toBe(true)
  await expect.poll(connected, nothingLeft).toBe(0)
  for (const { socket } of clients) socket.destroy()
})

test('a handshake that is still being checked when the server stops ends, too', async () => {
  const socket = new WebSocket(url, ['rollcall', `bearer.${token}`])
  const closed = once(socket, 'close') as Promise<[number, Buffer]>
  // Before it is checked, and with it before anything of it is known here.
  await once(http, 'upgrade')
  auth.close()
  const [code, reason] = await closed
  expect([code, String(reason)]).toEqual([1012, 'server_closing'])
  await expect.poll(counts, nothingLeft).toEqual([0, 0])
})

test('a listener of the app that throws ends its connection, which is sent no answer of HTTP, and is reported', async () => {
  const told: unknown[] = []
  const reporting = wsAuth(sessions, server, { report: (error) => void told.push(error) })
  http.off('upgrade', auth.upgrade).on('upgrade', reporting.upgrade)
  const broken = new Error('broken')
  server.once('connection', () => {
    throw broken
  })
  const client = shakeHands(`Authorization: Bearer ${token}\r\n`)
  await once(client.socket, 'end')
  expect([client.text.match(/HTTP\/1\.1 \d+/g), told]).toEqual([['HTTP/1.1 101'], [broken]])
  client.socket.destroy()
  await expect.poll(counts, nothingLeft).toEqual([0, 0])
})

test('maxBuffered is a number of bytes, or nobody would be cut off', () => {
  expect(() => wsAuth(sessions, server, { maxBuffered: '1mb' as never })).toThrow(TypeError)
})
