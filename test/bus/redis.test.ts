import { Cluster, Redis } from 'ioredis'
import { createClient, createCluster, createSentinel } from 'redis'
import { describe, expect, onTestFinished, test } from 'vitest'
import { redisBus, type RedisClient } from '../../adapters/bus/redis.js'
import { describeBus, openRoll, soon, type BusKind } from './describe-bus.js'

async function command<Answer>(url: string, ...words: string[]): Promise<Answer> {
  const client = new Redis(url)
  try {
    return (await client.call(words[0]!, ...words.slice(1))) as Answer
  } finally {
    client.disconnect()
  }
}

const server: Omit<BusKind, 'title' | 'connect'> = {
  engine: 'redis',
  async forge(url, texts) {
    for (const text of texts) await command(url, 'XADD', 'rollcall', '*', 'm', text)
    await command(url, 'XADD', 'rollcall', '*', 'another field', 'look')
  },
  async count(url) {
    const list = await command<string>(url, 'CLIENT', 'LIST')
    return list.split('\n').filter((line) => /cmd=x(?:read|add)/.test(line)).length
  },
}

const kinds: readonly BusKind[] = [
  ...([2, 3] as const).map((RESP) => ({
    ...server,
    title: `the bus of Redis, with a client of redis by RESP ${RESP}`,
    async connect(url: string) {
      // Never connected: only its settings are needed.
      const client = createClient({
        url,
        RESP,
        commandOptions: { timeout: 100 },
        socket: { socketTimeout: 100 },
        pingInterval: 50,
      })
      return { bus: redisBus(client), close: async () => {} }
    },
  })),
  ...[{}, { protocol: 2 }, { protocol: 3, replyMapping: 'resp3' }].map((settings) => ({
    ...server,
    title: `the bus of Redis, with a client of ioredis and ${JSON.stringify(settings)}`,
    async connect(url: string) {
      const client = new Redis(url, { commandTimeout: 100, socketTimeout: 100, ...(settings as object) })
      client.on('error', () => {})
      return { bus: redisBus(client), close: async () => client.disconnect() }
    },
  })),
]

for (const kind of kinds)
  describeBus(kind, (url) => {
    test('whose connections are killed makes others, and tells what was missed', async () => {
      const openNode = await openRoll()
      const { bus, close } = await kind.connect(url())
      onTestFinished(close)
      const [here, there] = [openNode(bus), openNode(null)]
      for (let round = 1; round <= 3; round += 1) {
        await expect.poll(here.isUp, soon).toBe(true)
        await command(url(), 'CLIENT', 'KILL', 'TYPE', 'normal')
        await expect.poll(() => here.sessions.status().outbox!.bus!.lost, soon).toBe(round)
        await there.sessions.revokeAll(`killed-${round}`)
        await expect.poll(() => here.told.at(-1), soon).toBe(`killed-${round}`)
      }
    })

    test('keeps a stream that does not grow, and hears on after it was emptied', async () => {
      const openNode = await openRoll()
      const { bus, close } = await kind.connect(url())
      onTestFinished(close)
      const [here, there] = [openNode(bus, { heartbeat: 200 }), openNode(bus, { heartbeat: 200 })]
      await expect.poll(() => here.isUp() && there.isUp(), soon).toBe(true)
      const client = new Redis(url())
      onTestFinished(() => client.disconnect())
      const pipeline = client.pipeline()
      for (let index = 0; index < 5_000; index += 1) pipeline.xadd('rollcall', '*', 'm', 'beat x')
      await pipeline.exec()
      await there.sessions.revokeAll('alice')
      await expect.poll(() => here.told, soon).toEqual(['alice'])
      expect(await client.xlen('rollcall')).toBeLessThan(1_200)
      // As after a restart without its data by a clock that goes behind: ids begin anew, and lower.
      await client.del('rollcall')
      await client.xadd('rollcall', '1-1', 'm', 'look')
      await there.sessions.revokeAll('bob')
      await expect.poll(() => here.told.at(-1), soon).toBe('bob')
      expect(here.isUp()).toBe(true)
    })
  })

describe('what is no client of one Redis', () => {
  test('is a TypeError', async () => {
    const cluster = new Cluster([{ host: 'localhost', port: 1 }], { lazyConnect: true })
    const clusterOfRedis = createCluster({ rootNodes: [{ url: 'redis://localhost' }] })
    const sentinel = createSentinel({ name: 'x', sentinelRootNodes: [{ host: 'localhost', port: 1 }] })
    const sentinels = new Redis({ sentinels: [{ host: 'localhost', port: 1 }], name: 'x', lazyConnect: true })
    for (const client of [sentinels, cluster, clusterOfRedis, sentinel, {}, null, undefined, 'redis://localhost'])
      expect(() => redisBus(client as RedisClient)).toThrow(TypeError)
    const client = createClient()
    expect(() => redisBus(client, { channel: 'x' } as object)).toThrow(TypeError)
    expect(() => redisBus(client, { stream: '' })).toThrow(TypeError)
  })
})
