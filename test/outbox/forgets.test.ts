import { expect, test } from 'vitest'
import { memoryStore } from '../../src/memory-store.js'
import { createSessions } from '../../src/sessions.js'
import { createKeyRing } from '../../src/tokens/key-ring.js'
import { createLocalBus } from '../support/local-bus.js'
import { createNodeClock, createWorld } from '../support/simulated-world.js'

const secret = 'a secret of thirty-two bytes or more'

async function openTwo(pollInterval: '1s' | '1m') {
  const world = createWorld(1_700_000_000_000)
  const store = memoryStore()
  const keys = await createKeyRing({ secret })
  const bus = createLocalBus()
  const state = { isDown: false, position: null as number | null }
  const readEvents: typeof store.readEvents = async (...given) => {
    if (state.isDown) throw new Error('ECONNREFUSED')
    const page = await store.readEvents(...given)
    return state.position === null ? page : { ...page, events: [], last: state.position }
  }
  const open = (own: object) =>
    createSessions({
      store,
      keys,
      issuer: 'i',
      audience: 'a',
      clock: createNodeClock(world),
      clockTolerance: 0,
      freshness: { maxStaleness: '1h' },
      refreshToken: { secret, onReuse: 'revokeAll' },
      outbox: { pollInterval, bus },
      ...own,
    })
  const [here, there] = [open({ store: { ...store, readEvents } }), open({})]
  const pass = (ms: number): Promise<void> => world.runUntil(world.now() + ms)
  await pass(2_000)
  return { here, there, state, pass }
}

test('a reuse that ends all of a user ends what another process keeps of the other sessions', async () => {
  const { here, there, pass } = await openTwo('1m')
  const [stolen, other] = [await there.create({ userId: 'alice' }), await there.create({ userId: 'alice' })]
  await here.verify(other.accessToken)
  await pass(60_000)
  const next = await there.refresh(stolen.refreshToken)
  await there.verify(next.accessToken)
  await pass(60_000)
  expect((await here.verify(other.accessToken)).source).toBe('cache')
  await expect(there.refresh(stolen.refreshToken)).rejects.toMatchObject({ code: 'refresh_token_reused' })
  await pass(100)
  await expect(here.verify(other.accessToken)).rejects.toMatchObject({ code: 'session_ended' })
  await Promise.all([here.close(), there.close()])
})

test('what is kept goes after looks that failed, and one failed look makes the bus no slower than two seconds', async () => {
  const { here, there, state, pass } = await openTwo('1m')
  const { accessToken } = await there.create({ userId: 'alice' })
  await here.verify(accessToken)
  state.isDown = true
  await there.revokeAll('bob')
  await pass(100)
  expect(here.status()).toMatchObject({ outbox: { failed: 1 }, sessions: { entries: 1 } })
  state.isDown = false
  await pass(2_000)
  expect(here.status().sessions.entries).toBe(0)
  expect(here.status().outbox!.age).toBeLessThan(2_000)
  await Promise.all([here.close(), there.close()])
})

test('what is kept goes when the numbers of the events went back', async () => {
  const { here, there, state, pass } = await openTwo('1s')
  const { accessToken } = await there.create({ userId: 'alice' })
  for (const userId of ['bob', 'carol']) await there.revokeAll(userId)
  await pass(2_000)
  await here.verify(accessToken)
  expect(here.status().sessions.entries).toBe(1)
  state.position = 1
  await pass(2_000)
  expect(here.status().sessions.entries).toBe(0)
  await Promise.all([here.close(), there.close()])
})
