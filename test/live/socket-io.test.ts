import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { Server } from 'socket.io'
import { io } from 'socket.io-client'
import { socketIoAuth } from '../../adapters/live/socket-io.js'
import { openSessions } from '../http/open.js'

test('a server that lets sockets back in past every check is refused', async () => {
  const auth = socketIoAuth(await openSessions())
  const open = (connectionStateRecovery: object): Server => new Server({ connectionStateRecovery })
  expect(() => auth.protect(open({}))).toThrow('skipMiddlewares: false')
  expect(() => auth.protect(open({}).of('/chat'))).toThrow('skipMiddlewares: false')
  auth.protect(open({ skipMiddlewares: false }))
})

test('a socket that a listener before has sent away is not watched', async () => {
  const sessions = await openSessions()
  const http = createServer()
  const server = new Server(http)
  server.on('connection', (socket) => void socket.disconnect())
  socketIoAuth(sessions).protect(server)
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  const { accessToken: token } = await sessions.create({ userId: 'ann' })
  const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`
  const client = io(url, { auth: { token }, reconnection: false, forceNew: true, transports: ['websocket'] })
  await new Promise<void>((resolve) => client.once('disconnect', () => resolve()))
  expect(sessions.status().watched).toBe(0)
  await server.close()
})

test('every namespace that is made afterwards is protected, and long polling, too', async () => {
  const sessions = await openSessions()
  const http = createServer()
  const server = new Server(http)
  const auth = socketIoAuth(sessions, { from: 'either' })
  auth.protect(server)
  const chat = server.of('/chat')
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`
  const { accessToken: token } = await sessions.create({ userId: 'ann' })
  const connect = async (given: object, headers: Record<string, string> = {}): Promise<string> => {
    const client = io(`${url}/chat`, {
      auth: given,
      extraHeaders: headers,
      reconnection: false,
      forceNew: true,
      transports: ['polling'],
    })
    const outcome = await new Promise<string>((resolve) => {
      client.once('connect', () => resolve('open'))
      client.once('connect_error', (error) => resolve(error.message))
    })
    client.disconnect()
    return outcome
  }
  const cookie = `__Host-rollcall-access=${token}`
  expect(await connect({})).toBe('token_missing')
  expect(await connect({ token: 'x' })).toBe('token_malformed')
  expect(await connect({ token })).toBe('open')
  expect(await connect({}, { cookie })).toBe('cross_site_request')
  expect(await connect({}, { cookie, 'sec-fetch-site': 'cross-site' })).toBe('cross_site_request')
  expect(await connect({}, { cookie, 'sec-fetch-site': 'same-origin' })).toBe('open')
  await expect.poll(() => [chat.sockets.size, sessions.status().watched]).toEqual([0, 0])
  auth.close()
  await server.close()
})
