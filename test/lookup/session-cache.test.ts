import { expect, test } from 'vitest'
import { memoryStore } from '../../src/memory-store.js'
import { createSessions } from '../../src/sessions.js'
import { createKeyRing } from '../../src/tokens/key-ring.js'
import { createFakeClock } from '../conformance/fake-clock.js'

test('status() tells how old the oldest session is that may still be used, and lets the others go', async () => {
  const clock = createFakeClock()
  const sessions = createSessions({
    store: memoryStore(),
    keys: await createKeyRing({ secret: 'a secret of thirty-two bytes or more' }),
    issuer: 'https://issuer.example',
    audience: 'https://api.example',
    freshness: { maxStaleness: 5_000 },
    clock,
  })
  const [early, late] = [await sessions.create({ userId: 'a' }), await sessions.create({ userId: 'b' })]
  await sessions.verify(early.accessToken)
  clock.advance(2_000)
  await sessions.verify(late.accessToken)
  // A use makes nothing younger.
  await sessions.verify(early.accessToken)
  expect(sessions.status().sessions).toEqual({ entries: 2, oldest: 2_000 })
  clock.advance(4_000)
  expect(sessions.status().sessions).toEqual({ entries: 1, oldest: 4_000 })
  clock.advance(5_000)
  expect(sessions.status().sessions).toEqual({ entries: 0, oldest: null })
})
