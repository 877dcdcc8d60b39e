import { describe, expect, test } from 'vitest'
import { keepLink } from '../../src/outbox/bus-link.js'
import type { Bus } from '../../src/ports/bus.js'
import { createNodeClock, createWorld } from '../support/simulated-world.js'

const heartbeat = 5_000

describe('a link', () => {
  test.each([
    ['connects to nothing', async () => {}],
    ['connects to what can send nothing', async () => ({})],
    ['answers nothing at all', () => {}],
  ])('of a bus that %s is told of as a fault', async (_, connect) => {
    const world = createWorld(0)
    const faults: unknown[] = []
    const bus = { connect } as unknown as Bus
    const fault = (error: unknown): void => void faults.push(error)
    const work = { wake() {}, changed() {}, devicesChanged() {}, gap() {}, fault, chance: () => 1, name: () => 'me' }
    const link = keepLink(createNodeClock(world), bus, heartbeat, work)
    await world.runUntil(1)
    expect(faults).toEqual([expect.any(TypeError)])
    await link.close()
  })

  test('that does not end holds up the end for half a second, and one that throws not at all', async () => {
    for (const close of [() => new Promise<void>(() => {}), () => Promise.reject(new Error('EPIPE'))]) {
      const world = createWorld(0)
      const bus: Bus = { connect: async () => ({ send: async () => {}, close }) }
      const work = {
        wake() {},
        changed() {},
        devicesChanged() {},
        gap() {},
        fault() {},
        chance: () => 1,
        name: () => 'me',
      }
      const link = keepLink(createNodeClock(world), bus, heartbeat, work)
      await world.runUntil(1)
      let isClosed = false
      void link.close().then(() => (isClosed = true))
      await world.runUntil(501)
      expect(isClosed).toBe(true)
    }
  })
})
