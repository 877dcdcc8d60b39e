import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { describe, expect, test } from 'vitest'
import { stageFor } from '../conformance/http/harness.js'
import { expressHarness } from './serve-express.js'
import { fastifyHarness } from './serve-fastify.js'
import { honoHarness } from './serve-hono.js'

describe.each([
  ['express', expressHarness],
  ['fastify', fastifyHarness],
  ['hono', honoHarness],
])('%s', (_, harness) => {
  const stage = stageFor(harness)

  // The rest of the body stood unread in the connection, and so did whatever came after it.
  test('a request that follows a body of more than 16 KB is answered, or its connection closed', async () => {
    const socket = connect(Number(new URL(stage().url).port), '127.0.0.1').setEncoding('utf8')
    socket.write('POST /auth/refresh HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n')
    socket.write('Transfer-Encoding: chunked\r\n\r\n')
    for (let at = 0; at < 20; at += 1) {
      socket.write(`4000\r\n${'x'.repeat(0x40_00)}\r\n`)
      await new Promise((resolve) => setImmediate(resolve))
    }
    socket.write('0\r\n\r\nGET /guarded HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
    expect(await readStatuses(socket)).toMatch(/^413( 401)?$/)
  })
})

/** What came until the server closed, within less than the 5 seconds after which Node closes any idle connection. */
async function readStatuses(socket: Socket): Promise<string> {
  let text = ''
  socket.on('data', (part: string) => (text += part)).on('error', () => {})
  await once(socket, 'close', { signal: AbortSignal.timeout(4_000) })
  return [...text.matchAll(/^HTTP\/1\.1 (\d+)/gm)].map(([, status]) => status).join(' ')
}
