import { connect, type Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openStream } from '../conformance/http/open-stream.js'
import { createClient } from './demo-client.js'
import { startDemo, type Environment } from './demo-process.js'
import { frameworkNames } from './open-app.js'
import { makePlace, type Place } from './place.js'

let place: Place
let environment: Environment
beforeEach(async () => {
  place = await makePlace()
  environment = place.environment
})
afterEach(() => place.remove())

const body = JSON.stringify({ username: 'alice', password: 'wonderland' })
const head = [
  'POST /login HTTP/1.1',
  'Host: demo',
  'Expect: 100-continue',
  'Content-Type: application/json',
  `Content-Length: ${body.length}`,
  '\r\n',
].join('\r\n')

/** Resolves once the server has the head of a request and waits for its body. */
async function beginLogin(url: string): Promise<{ socket: Socket; answer: () => Promise<string> }> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1').setEncoding('utf8')
  let received = ''
  const closed = new Promise<string>((resolve) => {
    socket
      .on('data', (text: string) => (received += text))
      .on('error', () => {})
      .on('close', () => resolve(received))
  })
  socket.write(head)
  await new Promise((resolve) => socket.once('data', resolve))
  return { socket, answer: () => closed }
}

describe.each(frameworkNames)('the demo on %s', (framework) => {
  const given = ['--framework', framework]

  test.each(['SIGTERM', 'SIGINT'] as const)(
    'a stop by %s finishes the request under way, takes no other and ends with 0',
    async (signal) => {
      const demo = await startDemo(environment, given)
      const { socket, answer } = await beginLogin(demo.url)
      const ended = demo.stop(signal)
      const client = createClient(demo.url)
      while (await client.call('GET /healthz').catch(() => null)) await new Promise((resolve) => setImmediate(resolve))
      const start = performance.now()
      socket.write(body)
      expect(await answer()).toContain('HTTP/1.1 200 OK')
      expect(await ended).toBe(0)
      expect(performance.now() - start).toBeLessThan(4_000)
    },
  )

  test('a stop ends the event streams, and tells their clients to come back', async () => {
    const demo = await startDemo(environment, given)
    const { accessToken } = await createClient(demo.url).logIn('phone')
    const stream = await openStream(`${demo.url}/auth/events`, { authorization: `Bearer ${accessToken}` })
    expect((await stream.next())!.event).toBe('standing')
    const start = performance.now()
    expect(await demo.stop()).toBe(0)
    expect(performance.now() - start).toBeLessThan(4_000)
    expect([(await stream.next())!.event, await stream.next()]).toEqual(['closed', null])
  })

  test('a stop cuts a request that does not end after 5 seconds, and ends with 0', async () => {
    const demo = await startDemo(environment, given)
    const { answer } = await beginLogin(demo.url)
    const start = performance.now()
    expect(await demo.stop()).toBe(0)
    expect(performance.now() - start).toBeGreaterThan(4_500)
    expect(performance.now() - start).toBeLessThan(9_000)
    expect(await answer()).not.toContain('200 OK')
  })
})
