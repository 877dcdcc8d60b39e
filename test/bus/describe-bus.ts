import { describe, expect, inject, onTestFinished, test } from 'vitest'
import { memoryStore } from '../../src/memory-store.js'
import type { BackgroundError } from '../../src/notifier.js'
import type { Bus } from '../../src/ports/bus.js'
import { createSessions, type Sessions } from '../../src/sessions.js'
import type { OutboxOptions } from '../../src/settings.js'
import { createKeyRing } from '../../src/tokens/key-ring.js'
import { startEngine, type EngineName } from '../engines/index.js'
import { startProxy } from '../support/tcp-proxy.js'
import { secret } from '../support/sql-stage.js'

/** One way to make a bus, as an app makes it. */
export interface BusKind {
  readonly title: string
  readonly engine: EngineName
  /** What an app connects for its bus, and how it ends it. */
  connect(url: string): Promise<ConnectedBus>
  /** Sends what it likes, as anybody can who may publish. */
  forge(url: string, texts: readonly string[]): Promise<void>
  /** How many connections or subscriptions of buses the server knows of. */
  count(url: string): Promise<number>
}

export interface ConnectedBus {
  readonly bus: Bus
  close(): Promise<void>
}

export interface Node {
  readonly sessions: Sessions<Record<never, never>, unknown>
  readonly told: string[]
  readonly faults: BackgroundError[]
  isUp(): boolean
}

export const soon = { interval: 5, timeout: 30_000 }

/** Processes over one store, which is at hand while the bus is not. */
export async function openRoll(): Promise<(bus: Bus | null, options?: OutboxOptions) => Node> {
  const store = memoryStore()
  const keys = await createKeyRing({ secret })
  return (bus, options) => {
    // So long that whatever is told soon is told by the bus.
    const outbox = { pollInterval: '1m', ...(bus && { bus }), ...options } as const
    const sessions = createSessions({ store, keys, issuer: 'i', audience: 'a', outbox })
    onTestFinished(() => sessions.close())
    const told: string[] = []
    const faults: BackgroundError[] = []
    sessions.on('revoked', ({ userId }) => void told.push(userId))
    sessions.on('error', (fault) => void faults.push(fault))
    return { sessions, told, faults, isUp: () => sessions.status().outbox?.bus?.isUp === true }
  }
}

/** The cases that hold for every bus, on its real server. */
export function describeBus(kind: BusKind, more: (url: () => string) => void = () => {}): void {
  const { title, engine, connect, forge, count } = kind
  const url = inject('engines')[engine]
  if (url === null) {
    describe.skip(`${title} (${engine} was left out by ROLLCALL_TEST_WITHOUT)`, () => test('is tested', () => {}))
    return
  }

  async function connectTo(target: string): Promise<Bus> {
    const { bus, close } = await connect(target)
    onTestFinished(close)
    return bus
  }

  describe(title, () => {
    test('wakes the others at once', async () => {
      const openNode = await openRoll()
      const [here, there] = [openNode(await connectTo(url)), openNode(await connectTo(url))]
      await expect.poll(() => here.isUp() && there.isUp(), soon).toBe(true)
      await there.sessions.revokeAll('alice')
      await expect.poll(() => here.told, soon).toEqual(['alice'])
      expect(there.told).toEqual(['alice'])
    })

    test('that falls silent is noticed within three heartbeats, and what was missed is told: 500 of 500', async () => {
      const openNode = await openRoll()
      const proxy = await startProxy(url)
      onTestFinished(() => proxy.close())
      const other = openNode(null)
      const here = openNode(await connectTo(proxy.url), { heartbeat: 200 })
      await expect.poll(here.isUp, soon).toBe(true)
      await proxy.swallow()
      await expect.poll(here.isUp, soon).toBe(false)
      expect(here.faults.at(-1)).toMatchObject({ during: 'bus' })
      for (let index = 0; index < 500; index += 1) await other.sessions.revokeAll(`missed-${index}`)
      expect(here.told).toEqual([])
      proxy.heal()
      await expect.poll(() => here.told.length, soon).toBe(500)
      await expect.poll(here.isUp, soon).toBe(true)
      expect(new Set(here.told).size).toBe(500)
    })

    test('that is cut off three times amid 200 revokes tells of 200', async () => {
      const openNode = await openRoll()
      const proxy = await startProxy(url)
      onTestFinished(() => proxy.close())
      const there = openNode(await connectTo(url))
      const here = openNode(await connectTo(proxy.url), { heartbeat: 200 })
      await expect.poll(() => here.isUp() && there.isUp(), soon).toBe(true)
      for (let index = 0; index < 200; index += 1) {
        if (index % 50 === 25 && index < 150) {
          const { lost } = here.sessions.status().outbox!.bus!
          proxy.cut()
          await expect.poll(() => here.sessions.status().outbox!.bus!.lost, soon).toBeGreaterThan(lost)
        }
        await there.sessions.revokeAll(`user-${index}`)
        if (index % 50 === 35) {
          proxy.heal()
          await expect.poll(here.isUp, soon).toBe(true)
        }
      }
      await expect.poll(() => here.told.length, soon).toBe(200)
      expect(new Set(here.told).size).toBe(200)
    })

    test('whose server is stopped and started wakes again', async (context) => {
      const { server, source, stop, url } = await startEngine(engine)
      onTestFinished(stop)
      if (server === null) return context.skip(`the server was ${source}: not ours to stop`)
      const openNode = await openRoll()
      const [here, there] = [openNode(await connectTo(url)), openNode(await connectTo(url))]
      await expect.poll(() => here.isUp() && there.isUp(), soon).toBe(true)
      for (const how of ['at once', 'in order'] as const) {
        await server.stop(how)
        await expect.poll(() => here.isUp() || there.isUp(), soon).toBe(false)
        await there.sessions.revokeAll(`stopped ${how}`)
        await server.start()
        await expect.poll(() => here.told.at(-1), soon).toBe(`stopped ${how}`)
        await expect.poll(() => here.isUp() && there.isUp(), soon).toBe(true)
        await there.sessions.revokeAll(`started ${how}`)
        await expect.poll(() => here.told.at(-1), soon).toBe(`started ${how}`)
      }
      expect(here.told).toHaveLength(4)
    })

    test('takes what is forged, malformed and doubled for no more than a reason to look', async () => {
      const openNode = await openRoll()
      const [here, there] = [openNode(await connectTo(url)), openNode(await connectTo(url))]
      await expect.poll(() => here.isUp() && there.isUp(), soon).toBe(true)
      const { accessToken } = await there.sessions.create({ userId: 'alice' })
      await forge(url, ['look', 'look', '', '{', '[]', 'null', '\u{1F4A9}', 'beat', 'beat x', 'x'.repeat(7_000)])
      await there.sessions.revokeAll('bob')
      await expect.poll(() => here.told, soon).toEqual(['bob'])
      expect(here.faults).toEqual([])
      expect(here.isUp()).toBe(true)
      expect((await here.sessions.verify(accessToken)).userId).toBe('alice')
    })

    test('gives up what it has begun when nobody waits for it any more', async () => {
      const proxy = await startProxy(url)
      onTestFinished(() => proxy.close())
      const openNode = await openRoll()
      const bus = await connectTo(proxy.url)
      const swallowed = proxy.swallow()
      const here = openNode(bus, { heartbeat: 100 })
      await swallowed
      await expect.poll(() => here.sessions.status().outbox!.bus!.lost, soon).toBeGreaterThan(3)
      await here.sessions.close()
      // What the app itself has open may stay.
      await expect.poll(() => proxy.connections(), soon).toBeLessThanOrEqual(1)
    })

    test('leaves nothing behind when it is closed', async () => {
      const before = await count(url)
      const openNode = await openRoll()
      const here = openNode(await connectTo(url))
      await expect.poll(here.isUp, soon).toBe(true)
      expect(await count(url)).toBeGreaterThan(before)
      await here.sessions.close()
      await expect.poll(() => count(url), soon).toBe(before)
    })

    more(() => url)
  })
}
