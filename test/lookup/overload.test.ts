import { expect, test } from 'vitest'
import { memoryStore } from '../../src/memory-store.js'
import { createSessions, type Sessions } from '../../src/sessions.js'
import type { SessionsOptions } from '../../src/settings.js'
import { createKeyRing } from '../../src/tokens/key-ring.js'
import { codeOf } from '../conformance/harness.js'

const flood = 2_000

/** A process that keeps few sessions, over a store that counts what it is asked. */
async function open(
  options: Partial<SessionsOptions> = {},
): Promise<{ sessions: Sessions; keys: () => number; asked: () => number }> {
  const store = memoryStore()
  let keys = 0
  let asked = 0
  const lookup: typeof store.lookup = async (...given) => {
    keys += given[0].length
    asked += 1
    // As a real one, it answers in another turn.
    await new Promise((resolve) => void setImmediate(resolve))
    return store.lookup(...given)
  }
  const sessions = createSessions({
    store: { ...store, lookup },
    keys: await createKeyRing({ secret: 'a secret of thirty-two bytes or more' }),
    issuer: 'https://issuer.example',
    audience: 'https://api.example',
    freshness: { maxStaleness: '1h' },
    cacheSize: { sessions: 10 },
    ...options,
  })
  return { sessions, keys: () => keys, asked: () => asked }
}

test(`${flood} tokens of ended sessions take the place of no standing one, and few statements ask for them`, async () => {
  const { sessions, asked, keys } = await open()
  const good = await Promise.all(Array.from({ length: 10 }, (_, index) => sessions.create({ userId: `good-${index}` })))
  for (const { accessToken } of good) await sessions.verify(accessToken)
  const ended = await Promise.all(
    Array.from({ length: flood }, (_, index) => sessions.create({ userId: `ended-${index % 40}` })),
  )
  // The rows of one half are gone, those of the other stay behind with a version that is over.
  for (const [index, { session }] of ended.entries())
    if (index < flood / 2) await sessions.revoke(`ended-${index % 40}`, session.sid)
  for (let index = 0; index < 40; index += 1) await sessions.revokeAll(`ended-${index}`)
  const [before, keysBefore] = [asked(), keys()]
  const codes = await Promise.all(ended.map(({ accessToken }) => codeOf(sessions.verify(accessToken))))
  expect(new Set(codes)).toEqual(new Set(['session_ended']))
  expect(keys() - keysBefore).toBe(flood)
  expect(asked() - before).toBeLessThanOrEqual(Math.ceil(flood / 256) + 2)
  for (const { accessToken } of good) expect((await sessions.verify(accessToken)).source).toBe('cache')
})

test(`${flood} forged tokens ask the store nothing and are kept nowhere (ASVS 9.1.1)`, async () => {
  const { sessions, asked } = await open()
  const { accessToken } = await sessions.create({ userId: 'alice' })
  await sessions.verify(accessToken)
  const [before, { accessTokens }] = [asked(), sessions.status()]
  const [header, payload] = accessToken.split('.')
  const forged = Array.from(
    { length: flood },
    (_, index) => `${header}.${payload}.${Buffer.from(String(index).padStart(32, '0')).toString('base64url')}`,
  )
  const codes = await Promise.all(forged.map((token) => codeOf(sessions.verify(token))))
  expect(new Set(codes)).toEqual(new Set(['token_invalid']))
  expect(asked()).toBe(before)
  expect(sessions.status().accessTokens).toMatchObject({ entries: accessTokens.entries, bytes: accessTokens.bytes })
  expect((await sessions.verify(accessToken)).source).toBe('cache')
})

test(`${flood} verifies of one unseen token are one read, and of one signature`, async () => {
  const { sessions, keys } = await open()
  const { accessToken } = await sessions.create({ userId: 'alice' })
  const before = keys()
  const answers = await Promise.all(Array.from({ length: flood }, () => sessions.verify(accessToken)))
  expect(new Set(answers.map(({ userId }) => userId))).toEqual(new Set(['alice']))
  expect(keys() - before).toBe(1)
  expect(sessions.status().accessTokens.misses).toBe(1)
})
