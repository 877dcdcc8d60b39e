import { expect, test } from 'vitest'
import { memoryStore } from '../../src/memory-store.js'
import { createSessions } from '../../src/sessions.js'
import { createKeyRing } from '../../src/tokens/key-ring.js'
import { createLocalBus } from '../support/local-bus.js'
import { createNodeClock, createWorld } from '../support/simulated-world.js'

test('a flood of messages makes no more than two hundred looks a second, and none of them is too late', async () => {
  const world = createWorld(1_700_000_000_000)
  const store = memoryStore()
  const looks: number[] = []
  const counted = {
    ...store,
    readEvents: (...given: Parameters<typeof store.readEvents>) => {
      looks.push(world.now())
      return store.readEvents(...given)
    },
  }
  const bus = createLocalBus()
  const sessions = createSessions({
    store: counted,
    keys: await createKeyRing({ secret: 'a secret of thirty-two bytes or more' }),
    issuer: 'i',
    audience: 'a',
    clock: createNodeClock(world),
    outbox: { bus, pollInterval: '1m', heartbeat: '1m' },
  })
  await world.runUntil(world.now() + 1_000)
  const { signal } = new AbortController()
  const stranger = await bus.connect({ message() {}, closed() {}, signal })
  const before = looks.length
  for (let ms = 0; ms < 1_000; ms += 1) {
    for (let count = 0; count < 10; count += 1) await stranger.send('x')
    await world.runUntil(world.now() + 1)
  }
  const flooded = looks.length - before
  expect(flooded).toBeGreaterThan(190)
  expect(flooded).toBeLessThanOrEqual(201)
  // One that comes alone is answered at once.
  await world.runUntil(world.now() + 100)
  await stranger.send('look')
  await world.runUntil(world.now())
  expect(looks.at(-1)).toBe(world.now())
  await sessions.close()
})
