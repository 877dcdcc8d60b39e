import { describe, expect, test } from 'vitest'
import type { AccountEvent } from '../../src/events.js'
import type { Sessions } from '../../src/sessions.js'
import { codeOf, stageFor, type StoreHarness } from './harness.js'

/** What became of a user's sessions, as an app shows it to the user. */
export function describeAccountEvents<Transaction>(harness: StoreHarness<Transaction>): void {
  describe('the events of a user', () => {
    const stage = stageFor(harness)
    type Verbs = Sessions<Record<never, never>, Transaction>

    const tell = async (sessions: Verbs, userId: string, count: number): Promise<void> => {
      for (let number = 1; number <= count; number += 1) await sessions.revokeAll(userId, { reason: `${number}` })
    }
    const reasonsOf = (events: readonly AccountEvent[]): string[] => events.map(({ reason }) => reason)

    async function readAll(sessions: Verbs, userId: string, limit: number): Promise<AccountEvent[]> {
      const all: AccountEvent[] = []
      for (let page = await sessions.events(userId, { limit }); page.length > 0;) {
        all.push(...page)
        expect(all.length).toBeLessThan(1_000)
        page = await sessions.events(userId, { limit, after: page.at(-1)! })
      }
      return all
    }

    test('are newest first, say what, why, by whom and when, and hold no credential', async () => {
      const { another, user, login, clock } = stage()
      const sessions = another()
      const heard: string[] = []
      for (const name of ['revoked', 'suspended', 'reinstated'] as const)
        sessions.on(name, ({ id }) => void heard.unshift(id))
      const userId = user()
      const [lost, kept] = [await login(userId), await login(userId)]
      const start = clock.wall()
      const later = (): void => clock.advance(1_000)
      await sessions.revoke(userId, lost.session.sid, { reason: 'lost phone', actor: 'admin' }).then(later)
      await sessions.revokeOthers(userId, kept.session.sid).then(later)
      await sessions.suspend(userId).then(later)
      await sessions.reinstate(userId).then(later)
      await sessions.revokeAll(userId).then(later)
      const events = await sessions.events(userId)
      const common = { sid: null, tokenVersion: null, actor: null }
      const expected = [
        { ...common, type: 'all_sessions_revoked', reason: 'logout everywhere', tokenVersion: 2 },
        { ...common, type: 'user_reinstated', reason: 'reinstated' },
        { ...common, type: 'user_suspended', reason: 'suspended' },
        {
          ...common,
          type: 'other_sessions_revoked',
          reason: 'logout others',
          sid: kept.session.sid,
          tokenVersion: 1,
        },
        { ...common, type: 'session_revoked', reason: 'lost phone', actor: 'admin', sid: lost.session.sid },
      ]
      expect(events.map(({ id: _id, seq: _seq, at: _at, ...event }) => event)).toEqual(expected)
      expect(events.map(({ at }) => at.getTime() - start)).toEqual([4_000, 3_000, 2_000, 1_000, 0])
      expect(events.map(({ id }) => id)).toEqual(heard)
      expect(Object.keys(events[0]!).toSorted()).toEqual([
        'actor',
        'at',
        'id',
        'reason',
        'seq',
        'sid',
        'tokenVersion',
        'type',
      ])
    })

    test('are none of a user never seen, nor of one who only logged in', async () => {
      const { sessions, user, login } = stage()
      const userId = user()
      await login(userId)
      expect(await sessions.events(userId)).toEqual([])
      expect(await sessions.events(user())).toEqual([])
    })

    test('are never those of another user, however alike the ids are', async () => {
      const { sessions, user } = stage()
      const userId = user('ann')
      const others = [userId.toUpperCase(), `${userId} `, ` ${userId}`, `${userId}x`, userId.replace('a', 'å'), '%']
      for (const other of others) await sessions.revokeAll(other, { reason: other })
      expect(await sessions.events(userId)).toEqual([])
      for (const other of others) expect(reasonsOf(await sessions.events(other))).toEqual([other])
      const [newest] = await sessions.events(others[3]!)
      expect(reasonsOf(await sessions.events(others[0]!, { after: newest! }))).toEqual([others[0]])
      expect(await sessions.events(others[4]!, { after: newest! })).toEqual([])
    })

    test('are those that another process wrote, too', async () => {
      const { sessions, another, user, open } = stage()
      const userId = user()
      await another({ store: open.elsewhere ?? open.store }).revokeAll(userId, { reason: 'elsewhere' })
      expect(reasonsOf(await sessions.events(userId))).toEqual(['elsewhere'])
    })

    test('are read in pages that neither repeat nor leave out one, also when more come meanwhile', async () => {
      const { sessions, user } = stage()
      const [userId, other] = [user(), user()]
      for (let round = 0; round < 11; round += 1) {
        await tell(sessions, userId, 2)
        await tell(sessions, other, 1)
      }
      const whole = await sessions.events(userId)
      expect(whole).toHaveLength(22)
      for (const limit of [1, 4, 11, 22, 1_000]) expect(await readAll(sessions, userId, limit)).toEqual(whole)
      const [first] = [await sessions.events(userId, { limit: 5 })]
      await tell(sessions, userId, 3)
      expect(await sessions.events(userId, { after: first.at(-1)! })).toEqual(whole.slice(5))
    })

    test('are a hundred where nobody says how many', async () => {
      const { sessions, user } = stage()
      const userId = user()
      await tell(sessions, userId, 101)
      const events = await sessions.events(userId)
      expect([events.length, events[0]!.reason, events[99]!.reason]).toEqual([100, '101', '2'])
    })

    test('go on from an event that was pruned meanwhile, where there are none', async () => {
      const { sessions, user, clock } = stage()
      const userId = user()
      await tell(sessions, userId, 3)
      const events = await sessions.events(userId, { limit: 2 })
      clock.advance(86_400_000)
      await sessions.revokeAll(userId, { reason: 'young' })
      await sessions.prune({ eventRetention: '1h' })
      expect(await sessions.events(userId, { after: events[1]! })).toEqual([])
      expect(reasonsOf(await sessions.events(userId))).toEqual(['young'])
    })

    test.each([
      { limit: 0 },
      { limit: 1_001 },
      { limit: 1.5 },
      { limit: '5' },
      { after: null },
      { after: 5 },
      { after: {} },
      { after: { seq: '5' } },
      { after: { seq: Number.NaN } },
      { before: { seq: 5 } },
      null,
    ])('asked for with %j are a TypeError', async (options) => {
      const { sessions, user } = stage()
      await expect(sessions.events(user(), options as object)).rejects.toThrow(TypeError)
    })

    test('that another program has broken are reported, and stand in the way of no other', async () => {
      const { another, open, user } = stage()
      const error = new Error('no event')
      const store = {
        ...open.store,
        async readUserEvents(...given: Parameters<typeof open.store.readUserEvents>) {
          const { events } = await open.store.readUserEvents(...given)
          const isBroken = ({ reason }: { reason: string }): boolean => ['1', '4', '5', '6', '9'].includes(reason)
          const unreadable = events.filter(isBroken).map(({ seq }) => ({ seq, error }))
          return { events: events.filter((event) => !isBroken(event)), unreadable }
        },
      }
      const sessions = another({ store })
      const reported: unknown[] = []
      sessions.on('error', (fault) => void reported.push(fault))
      const userId = user()
      await tell(sessions, userId, 9)
      // A page that they made short or empty would look like the last one.
      for (const limit of [1, 2, 3, 4, 9, 100])
        expect(reasonsOf(await readAll(sessions, userId, limit))).toEqual(['8', '7', '3', '2'])
      expect(reasonsOf(await sessions.events(userId, { limit: 3 }))).toEqual(['8', '7', '3'])
      expect(reported[0]).toEqual({ error, during: 'events' })
      reported.length = 0
      await sessions.events(userId)
      expect(reported).toHaveLength(5)
    })

    test('that cannot be read are store_unavailable, and never none', async () => {
      const { another, open, user } = stage()
      const cause = new Error('ECONNREFUSED')
      const sessions = another({ store: { ...open.store, readUserEvents: () => Promise.reject(cause) } })
      await expect(sessions.events(user())).rejects.toMatchObject({ code: 'store_unavailable', cause })
      const hanging = another({
        store: { ...open.store, readUserEvents: () => new Promise<never>(() => {}) },
        clock: { ...stage().clock, after: (_ms, call) => (queueMicrotask(call), () => {}) },
      })
      expect(await codeOf(hanging.events(user()))).toBe('store_unavailable')
    })

    test("are read in the caller's transaction, with what it has written so far", async ({ skip }) => {
      const { sessions, user, open } = stage()
      if (!open.begin) return skip('this store has no transactions')
      const userId = user()
      await tell(sessions, userId, 1)
      const { transaction, rollback } = await open.begin()
      await sessions.revokeAll(userId, { reason: 'undone', transaction })
      const inside = await sessions.events(userId, { transaction })
      await rollback()
      expect(reasonsOf(inside)).toEqual(['undone', '1'])
      expect(reasonsOf(await sessions.events(userId))).toEqual(['1'])
      await expect(sessions.events(userId, { transaction })).rejects.toBeInstanceOf(TypeError)
    })
  })
}
