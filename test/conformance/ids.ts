import { describe, expect, test } from 'vitest'
import { codeOf, stageFor, type StoreHarness } from './harness.js'

const lookalikes = [
  'alice',
  'Alice',
  'ALICE',
  'alice ',
  ' alice',
  'ålice',
  'ａlice',
  'alicé',
  'alice\u0301',
  'alice\u200b',
  'alice\t',
  'straße',
  'strasse',
]
const awkward = [
  "o'brien",
  'a"b',
  'a\\',
  "a\\' or 1=1 -- ",
  '%',
  '_',
  'a;b',
  '?',
  '$1',
  ':name',
  '\u{1F600}',
  '\n',
  'null',
  '__proto__',
  '{"name":"admin"}',
]

/** Ids compare byte for byte, and come back as they went in. */
export function describeIds<Transaction>(harness: StoreHarness<Transaction>): void {
  describe('user ids', () => {
    const stage = stageFor(harness)

    test('ids that look alike are different users for login, list, version and revoke (indigo-iam#1136; ASVS 10.3.3)', async () => {
      const { sessions, login } = stage()
      const logins = new Map<string, string>()
      for (const userId of lookalikes) logins.set(userId, (await login(userId)).accessToken)
      for (const userId of lookalikes) expect(await sessions.list(userId)).toHaveLength(1)
      for (const [index, userId] of lookalikes.entries()) {
        expect(await sessions.revokeAll(userId)).toEqual({ revoked: 1, tokenVersion: 1 })
        for (const [other, token] of logins) {
          const isEnded = lookalikes.indexOf(other) <= index
          expect(await codeOf(sessions.verify(token))).toBe(isEnded ? 'session_ended' : 'accepted')
        }
      }
    })

    test.each(awkward)('the id %j is a user like any other', async (userId) => {
      const { sessions, login } = stage()
      const { accessToken } = await login(userId)
      expect((await sessions.verify(accessToken)).userId).toBe(userId)
      expect(await sessions.revokeAll(userId)).toEqual({ revoked: 1, tokenVersion: 1 })
    })

    test.each([
      [1, '1'],
      [0, '0'],
      [-7, '-7'],
      [Number.MAX_SAFE_INTEGER, '9007199254740991'],
      [2n ** 53n + 1n, '9007199254740993'],
      [2n ** 63n - 1n, '9223372036854775807'],
      ['6f1b1c1e-7f4f-4e52-9a39-0f6f5cf3c9b1', '6f1b1c1e-7f4f-4e52-9a39-0f6f5cf3c9b1'],
      ['x'.repeat(255), 'x'.repeat(255)],
      ['é'.repeat(127), 'é'.repeat(127)],
    ])('the id %s comes back as the string %s (knex#387)', async (userId, text) => {
      const { sessions } = stage()
      const { accessToken } = await sessions.create({ userId })
      expect((await sessions.verify(accessToken)).userId).toBe(text)
      expect((await sessions.revokeAll(userId)).revoked).toBe(1)
      expect(await sessions.tokenVersion(text)).toBe(1)
    })

    test.each([
      '',
      'x'.repeat(256),
      'é'.repeat(128),
      'a\0b',
      '\uD800',
      'a\uDFFF',
      1.5,
      Number.NaN,
      Number.POSITIVE_INFINITY,
      2 ** 53,
      null,
      undefined,
      true,
      {},
      { name: 'admin' },
      ['alice'],
      Symbol('a'),
      new Date(),
      () => 'alice',
    ])('the id %s is a TypeError before the store sees it (knex#1227)', async (userId) => {
      const { open, another } = stage()
      const untouchable = new Proxy(open.store, {
        get: (store, name) =>
          name === 'lookup' || name === 'assertTransaction'
            ? store[name]
            : () => expect.unreachable('the store was asked'),
      })
      const sessions = another({ store: untouchable })
      const bad = userId as string
      const calls = [
        sessions.create({ userId: bad }),
        sessions.list(bad),
        sessions.rename(bad, 'sid', 'name'),
        sessions.revoke(bad, 'sid'),
        sessions.revokeOthers(bad, 'sid'),
        sessions.revokeAll(bad),
        sessions.tokenVersion(bad),
        sessions.suspend(bad),
        sessions.reinstate(bad),
      ]
      for (const call of await Promise.allSettled(calls)) {
        expect(call).toMatchObject({ status: 'rejected', reason: expect.any(TypeError) as unknown })
      }
    })
  })

  describe('lookup of many keys', () => {
    const stage = stageFor(harness)

    test.each([0, 1, 2, 4, 5, 17, 64, 257, 300, 1_001])(
      'answers %i keys in their order, unknown ones with null',
      async (count) => {
        const { open, login, user } = stage()
        const userId = user()
        const known = await Promise.all([login(userId), login(user()), login(userId)])
        const keys = Array.from({ length: count }, (_, index) => {
          const sid = index % 4 === 3 ? `unknown-${index}` : known[index % 4]!.session.sid
          return {
            sid,
            userId: index % 4 === 1 ? userId.replace(/\d+$/, (digits) => String(Number(digits) + 1)) : userId,
          }
        })
        const records = await open.store.lookup(keys, {})
        expect(records.map((record) => record?.sid ?? null)).toEqual(
          keys.map(({ sid }) => (sid.startsWith('unknown') ? null : sid)),
        )
      },
    )

    test('tells long ids, accents, case and trailing spaces apart in one list, in any order', async () => {
      const { open, login } = stage()
      const users = ['x'.repeat(255), 'é'.repeat(127), 'list-a', 'list-A', 'list-a ', 'list-á', '\u{1F600}'.repeat(63)]
      const logins = await Promise.all(users.map((userId) => login(userId)))
      const keys = users.map((userId, index) => ({ userId, sid: logins[index]!.session.sid }))
      for (const list of [keys, keys.toReversed()]) {
        const records = await open.store.lookup(list, {})
        expect(records.map((record) => record && { userId: record.userId, sid: record.sid })).toEqual(list)
      }
      const crossed = keys.map(({ userId }, index) => ({ userId, sid: keys.at(index - 1)!.sid }))
      expect(await open.store.lookup(crossed, {})).toEqual(crossed.map(() => null))
    })

    test('does not answer a sid under another user id', async () => {
      const { open, login, user } = stage()
      const [one, two] = [user(), user()]
      const [first, second] = [await login(one), await login(two)]
      const crossed = [
        { userId: one, sid: second.session.sid },
        { userId: two, sid: first.session.sid },
      ]
      expect(await open.store.lookup(crossed, {})).toEqual([null, null])
      expect(await open.store.lookup(crossed.slice(0, 1), {})).toEqual([null])
    })
  })
}
