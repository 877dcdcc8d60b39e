import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import { Hono } from 'hono'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { honoAuth } from '../../adapters/hono/index.js'
import type { Sessions } from '../../src/sessions.js'
import { listen } from '../http/listen.js'
import { openPage, type OpenPage } from './open-page.js'
import { ownFiles } from './own-files.js'

let page: OpenPage
let sessions: Sessions<{ role: string }, never, string>
beforeAll(async () => {
  page = await openPage('docs/live.md', { 'sessions.ts': ownFiles['sessions.ts']! })
  sessions = (await page.load<{ sessions: typeof sessions }>('sessions.ts')).sessions
})
afterAll(() => page.close())

async function portOf(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

test('docs/live.md has a device page that shows what changes, and says why it was logged out', async () => {
  const auth = honoAuth(sessions)
  const app = new Hono().use(auth.routes)
  const served = await listen(createServer(getRequestListener(app.fetch, { overrideGlobalObjects: false })))
  const { openDevicePage } = await page.load<{
    openDevicePage(call: (path: string) => Promise<Response>, page: object): Promise<void>
  }>('device-page.ts')
  const { accessToken, session } = await sessions.create({ userId: 'ann' })
  const shown: number[] = []
  let why: unknown
  const call = (path: string): Promise<Response> =>
    fetch(served.url + path, { headers: { Authorization: `Bearer ${accessToken}` } })
  const open = openDevicePage(call, {
    show: (list: unknown[]) => shown.push(list.length),
    ended: (...given: unknown[]) => (why = given),
  })
  await expect.poll(() => shown).toEqual([1])
  await sessions.create({ userId: 'ann' })
  await expect.poll(() => shown.at(-1)).toBe(2)
  await sessions.revoke('ann', session.sid, { reason: 'lost' })
  await open
  expect(why).toEqual(['session_ended', 'lost'])
  await openDevicePage(call, { show: () => {}, ended: (...given: unknown[]) => (why = given) })
  expect(why).toEqual(['session_ended', null])
  auth.close()
  await served.close()
})

test('docs/live.md has a chat that those leave whose session ends', async () => {
  const { server, stop } = await page.load<{ server: Server; stop(): Promise<void> }>('chat.ts')
  const url = `http://127.0.0.1:${await portOf(server)}`
  const { joinChat } = await page.load<{
    joinChat(
      url: string,
      freshToken: () => Promise<string>,
      said: (message: object) => void,
    ): { say(text: string): void; over: Promise<string>; leave(): void }
  }>('chat-client.ts')
  const [ann, ben] = [await sessions.create({ userId: 'ann' }), await sessions.create({ userId: 'ben' })]
  const heard: object[] = []
  const onAnn = joinChat(
    url,
    async () => ann.accessToken,
    () => {},
  )
  const onBen = joinChat(
    url,
    async () => ben.accessToken,
    (message) => heard.push(message),
  )
  await expect
    .poll(() => {
      onAnn.say('hello')
      return heard.length
    })
    .toBeGreaterThan(0)
  expect(heard[0]).toEqual({ from: 'ann', text: 'hello' })
  await sessions.revokeAll('ann')
  expect(await onAnn.over).toBe('session_ended')
  expect(
    await joinChat(
      url,
      async () => ann.accessToken,
      () => {},
    ).over,
  ).toBe('session_ended')
  onBen.leave()
  await stop()
})

test('docs/live.md serves WebSockets', async () => {
  const { server, stop } = await page.load<{ server: Server; stop(): void }>('sockets.ts')
  const { accessToken, userId } = { ...(await sessions.create({ userId: 'cleo' })), userId: 'cleo' }
  const socket = new WebSocket(`ws://127.0.0.1:${await portOf(server)}`, ['rollcall', `bearer.${accessToken}`])
  const [hello] = (await once(socket, 'message')) as [Buffer]
  expect(String(hello)).toBe('hello cleo')
  await sessions.revokeAll(userId)
  const [code, reason] = (await once(socket, 'close')) as [number, Buffer]
  expect([code, String(reason)]).toEqual([4401, 'session_ended'])
  stop()
})

test('docs/live.md watches', async () => {
  const { told, session, stop } = await page.load<{ told: string[]; session: { sid: string }; stop(): void }>(
    'watch.ts',
  )
  await expect.poll(() => told).toEqual(['standing'])
  await sessions.revoke(42, session.sid)
  await expect.poll(() => told).toEqual(['standing', 'ended: session_ended, logout'])
  stop()
})
