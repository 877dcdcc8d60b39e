import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { connect, NoRespondersError } from '@nats-io/transport-node'
import { describe, expect, inject, onTestFinished, test } from 'vitest'
import { natsBus, type NatsConnection } from '../../adapters/bus/nats.js'
import { findProgram } from '../engines/find-program.js'
import { nats } from '../engines/nats.js'
import { openPlace, type Place } from '../engines/place.js'
import type { Program } from '../engines/recipe.js'
import { serveIn } from '../engines/run-server.js'
import { startProxy } from '../support/tcp-proxy.js'
import { describeBus, openRoll, soon } from './describe-bus.js'

const url = inject('engines').nats

describeBus(
  {
    title: 'the bus of NATS',
    engine: 'nats',
    async connect(servers) {
      const connection = await connect({
        servers,
        maxReconnectAttempts: -1,
        reconnectTimeWait: 50,
        // How soon it notices itself that its server is silent, and gives up one that does not greet.
        pingInterval: 200,
        maxPingOut: 2,
        timeout: 500,
      })
      return { bus: natsBus(connection), close: () => connection.close() }
    },
    async forge(servers, texts) {
      const connection = await connect({ servers })
      for (const text of texts) connection.publish('rollcall', text)
      connection.publish('rollcall', new Uint8Array([0xff, 0xfe]))
      await connection.drain()
    },
    /** One, as soon as anybody listens. */
    async count(servers) {
      const connection = await connect({ servers })
      const answer: unknown = await connection.request('rollcall', '', { timeout: 50 }).catch((error: Error) => error)
      await connection.close()
      return answer instanceof Error && isUnheard(answer) ? 0 : 1
    },
  },
  (url) => {
    test('hears no more when the connection is closed, says so, and ends with it', async () => {
      const openNode = await openRoll()
      const connection = await connect({ servers: url() })
      const here = openNode(natsBus(connection))
      await expect.poll(here.isUp, soon).toBe(true)
      await connection.close()
      await expect.poll(here.isUp, soon).toBe(false)
      await expect.poll(() => here.faults.length, soon).toBeGreaterThan(1)
      for (const fault of here.faults)
        expect(fault).toMatchObject({ during: 'bus', error: expect.any(Error) as unknown })
    })

    test('leaves no subscription of a link that was given up', async () => {
      const proxy = await startProxy(url())
      onTestFinished(() => proxy.close())
      const connection = await connect({ servers: proxy.url, maxReconnectAttempts: -1, reconnectTimeWait: 50 })
      onTestFinished(() => connection.close())
      const { subscriptions } = (connection as unknown as { protocol: { subscriptions: { size(): number } } }).protocol
      const before = subscriptions.size()
      const swallowed = proxy.swallow()
      const openNode = await openRoll()
      const here = openNode(natsBus(connection), { heartbeat: 100 })
      await swallowed
      await expect.poll(() => here.sessions.status().outbox!.bus!.lost, soon).toBeGreaterThan(3)
      expect(subscriptions.size()).toBeLessThanOrEqual(before + 1)
      await here.sessions.close()
      expect(subscriptions.size()).toBe(before)
    })

    test('says so when its user may not listen', async (context) => {
      const program = await findProgram(nats).catch(() => null)
      if (program === null) return context.skip('no server program is here to start with settings of its own')
      const place = await openPlace({ requiresUser: false })
      onTestFinished(() => place.close())
      const [servers, user, pass] = [await serveWithoutRights(program, place), 'app', 'secret']
      const openNode = await openRoll()
      const connection = await connect({ servers, user, pass })
      onTestFinished(() => connection.close())
      const here = openNode(natsBus(connection))
      await expect.poll(() => String(here.faults[0]?.error), soon).toMatch(/permissions violation/i)
      expect(here.isUp()).toBe(false)
    })
  },
)

async function serveWithoutRights({ path }: Program, place: Place): Promise<string> {
  const file = join(place.folder, 'nats.conf')
  const permissions = '{ publish: ">", subscribe: "other" }'
  await writeFile(file, `authorization { users = [{ user: app, password: secret, permissions: ${permissions} }] }`)
  const { port } = await serveIn(place, {
    signals: { 'at once': 'SIGKILL', 'in order': 'SIGTERM' },
    ready: /Server is ready/,
    command: (free) => [path, '--addr', '127.0.0.1', '--port', String(free), '--config', file],
  })
  return `nats://127.0.0.1:${port}`
}

function isUnheard(error: Error): boolean {
  return error instanceof NoRespondersError || error.cause instanceof NoRespondersError
}

describe('what is no connection of NATS', () => {
  test.skipIf(url === null)('is a TypeError, and so is one that does not hear itself', async () => {
    for (const given of [{}, null, undefined, 'nats://localhost'])
      expect(() => natsBus(given as unknown as NatsConnection)).toThrow(TypeError)
    const silent = await connect({ servers: url!, noEcho: true })
    expect(() => natsBus(silent)).toThrow('noEcho')
    await silent.close()
  })

  test.skipIf(url === null).each(['', 'a b', 'a.*', 'a.>', '.a', 'a.', 'a..b', 'a\r\nPUB b 0'])(
    'and so is the subject %j',
    async (subject) => {
      const connection = await connect({ servers: url! })
      expect(() => natsBus(connection, { subject })).toThrow(TypeError)
      await connection.close()
    },
  )
})
