import { expect, test } from 'vitest'
import { createUsers } from '../../demo/users.js'

test('a password is accepted for its own user alone', async () => {
  const users = await createUsers()
  expect(await users.find('alice').hasPassword('wonderland')).toBe(true)
  for (const guess of ['builder', 'Wonderland', 'wonderland ', '', '\ud800', 'x'.repeat(10_000)]) {
    expect(await users.find('alice').hasPassword(guess)).toBe(false)
  }
})

test('a name that nobody has costs the time of one that somebody has', async () => {
  const users = await createUsers()
  const best = { alice: Infinity, mallory: Infinity }
  for (let round = 0; round < 7; round += 1) {
    for (const name of ['alice', 'mallory'] as const) {
      const start = performance.now()
      await users.find(name).hasPassword('guess')
      best[name] = Math.min(best[name], performance.now() - start)
    }
  }
  expect(best.mallory / best.alice).toBeGreaterThan(0.6)
  expect(best.mallory / best.alice).toBeLessThan(1.6)
})
