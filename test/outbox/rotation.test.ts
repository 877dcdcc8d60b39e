import { expect, test } from 'vitest'
import { memoryStore } from '../../src/memory-store.js'
import type { Bus } from '../../src/ports/bus.js'
import { createSessions } from '../../src/sessions.js'
import { createKeyRing } from '../../src/tokens/key-ring.js'
import { createLocalBus } from '../support/local-bus.js'
import { createNodeClock, createWorld } from '../support/simulated-world.js'

const secret = 'a secret of thirty-two bytes or more'
const grace = 10_000

/** Two processes over one store, which keep sessions for an hour and look at the events once a minute. */
async function openTwo(bus: Bus | undefined) {
  const world = createWorld(1_700_000_000_000)
  const common = {
    store: memoryStore(),
    keys: await createKeyRing({ secret }),
    issuer: 'i',
    audience: 'a',
    freshness: { maxStaleness: '1h' },
    refreshToken: { secret, grace },
    clockTolerance: 0,
    outbox: { pollInterval: '1m', bus },
  } as const
  const open = () => createSessions({ ...common, clock: createNodeClock(world) })
  return { world, here: open(), there: open() }
}

test('an access token that a refresh elsewhere retired is refused after grace, though its session was kept', async () => {
  const { world, here, there } = await openTwo(createLocalBus())
  const { accessToken, refreshToken } = await there.create({ userId: 'alice' })
  await world.runUntil(world.now() + grace + 1)
  expect(await here.verify(accessToken)).toMatchObject({ userId: 'alice', source: 'store' })
  const refreshed = await there.refresh(refreshToken!)
  expect(refreshed.outcome).toBe('rotated')
  await world.runUntil(world.now() + 1_000)
  // Within grace both stand, and what was kept before the refresh is not asked.
  expect((await here.verify(accessToken)).source).toBe('store')
  expect((await here.verify(accessToken)).source).toBe('cache')
  await world.runUntil(world.now() + grace)
  // The code that makes a client refresh: it is not logged out.
  await expect(here.verify(accessToken)).rejects.toMatchObject({ code: 'token_expired' })
  expect((await here.verify(refreshed.accessToken)).userId).toBe('alice')
  await Promise.all([here.close(), there.close()])
})

test('and without a bus it is bounded by maxStaleness alone', async () => {
  const { world, here, there } = await openTwo(undefined)
  const { accessToken, refreshToken } = await there.create({ userId: 'alice' })
  await world.runUntil(world.now() + grace + 1)
  await here.verify(accessToken)
  await there.refresh(refreshToken!)
  await world.runUntil(world.now() + 2 * grace)
  expect((await here.verify(accessToken)).source).toBe('cache')
  await Promise.all([here.close(), there.close()])
})
