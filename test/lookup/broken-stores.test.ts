import { expect, test } from 'vitest'
import { memoryStore } from '../../src/memory-store.js'
import type { SessionKey, StandingRecord, Store } from '../../src/ports/store.js'
import { createSessions } from '../../src/sessions.js'
import { createKeyRing } from '../../src/tokens/key-ring.js'
import { codeOf } from '../conformance/harness.js'

type Records = (StandingRecord | null)[]
type Answer = (records: Records, keys: readonly SessionKey[]) => unknown

/** What a store of somebody's own may do wrong. None of it may log an honest user out, or let anybody in. */
test.each<[string, Answer]>([
  ['too few records', (records) => records.slice(1)],
  ['too many records', (records) => [...records, ...records]],
  ['no records', () => []],
  ['records of one another', (records) => records.toReversed()],
  ['undefined', () => undefined],
  ['null', () => null],
  ['an object', () => ({})],
  ['records without their user', (records) => records.map((record) => ({ ...record, user: undefined }))],
  [
    'an error of its own',
    () => {
      throw new TypeError('a mistake')
    },
  ],
  ['a rejection with nothing', () => Promise.reject(undefined as unknown as Error)],
])('a store that answers with %s is store_unavailable, for one and for many (ASVS 16.5.3)', async (_, answer) => {
  const store = memoryStore()
  let isBroken = true
  const lookup = async (keys: readonly SessionKey[], scope: object): Promise<Records> => {
    const records = await store.lookup(keys, scope)
    return isBroken ? ((await answer(records, keys)) as Records) : records
  }
  const sessions = createSessions({
    store: { ...store, lookup } as Store,
    keys: await createKeyRing({ secret: 'a secret of thirty-two bytes or more' }),
    issuer: 'https://issuer.example',
    audience: 'https://api.example',
  })
  const logins = await Promise.all(['a', 'b'].map((userId) => sessions.create({ userId })))
  const codes = (): Promise<string[]> =>
    Promise.all(logins.map(({ accessToken }) => codeOf(sessions.verify(accessToken))))
  isBroken = false
  expect(await codes()).toEqual(['accepted', 'accepted'])
  isBroken = true
  expect(await codes()).toEqual(['store_unavailable', 'store_unavailable'])
  isBroken = false
  expect(await codes()).toEqual(['accepted', 'accepted'])
})
