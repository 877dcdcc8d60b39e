import { describe, expect, test } from 'vitest'
import type { SessionsEvent } from '../../src/notifier.js'
import type { Sessions } from '../../src/sessions.js'
import { codeOf, stageFor, type StoreHarness } from './harness.js'

/** What a process hears of others by the events table. */
export function describeOutbox<Transaction>(harness: StoreHarness<Transaction>): void {
  describe('the outbox', () => {
    const stage = stageFor(harness)
    type Node = Sessions<Record<never, never>, Transaction>

    /** A process that listens, and what its listeners were told, once it listens. */
    async function listen(
      options: object = {},
    ): Promise<{ node: Node; told: SessionsEvent[]; hear(id: string): Promise<void> }> {
      const node = stage().another({ outbox: { pollInterval: 10 }, freshness: { maxStaleness: '1h' }, ...options })
      const told: SessionsEvent[] = []
      for (const name of ['revoked', 'suspended', 'reinstated'] as const)
        node.on(name, (event) => void told.push(event))
      await expect.poll(() => node.status().outbox!.age, { interval: 5 }).not.toBeNull()
      return {
        node,
        told,
        hear: (id) => expect.poll(() => told.some(({ userId }) => userId === id), { interval: 5 }).toBe(true),
      }
    }

    test('reads events by their numbers, and none that are not there', async () => {
      const { store, scope } = { store: stage().open.store, scope: {} }
      const users = Array.from({ length: 70 }, () => stage().user())
      for (const userId of users) await stage().sessions.revokeAll(userId)
      const { events } = await store.readEvents(null, users.length, scope)
      const seqs = events.map(({ seq }) => seq)
      for (const asked of [seqs.slice(0, 1), seqs.slice(0, 9), seqs]) {
        const found = await store.readEventsAt([...asked, 2 ** 40], scope)
        expect(found).toEqual({ events: events.slice(0, asked.length), unreadable: [] })
      }
      const many = Array.from({ length: 500 - seqs.length }, (_, index) => 2 ** 41 + index)
      expect((await store.readEventsAt([...many, ...seqs], scope)).events).toEqual(events)
      expect(await store.readEventsAt([2 ** 40], scope)).toEqual({ events: [], unreadable: [] })
    })

    const there = (): Node => stage().another({ store: stage().open.elsewhere ?? stage().open.store })

    test('tells of what another process ended, once, and refuses what was kept of it', async () => {
      const { node, told, hear } = await listen()
      const { user } = stage()
      const [mine, one, all, held] = [user(), user(), user(), user()]
      const logins = await Promise.all([one, all, held, mine].map((userId) => node.create({ userId })))
      for (const { accessToken } of logins) expect((await node.verify(accessToken)).source).toBe('store')
      const other = there()
      await other.revoke(one, logins[0]!.session.sid, { reason: 'lost phone', actor: 'admin' })
      await other.revokeAll(all)
      await other.suspend(held)
      await hear(one)
      await hear(all)
      await hear(held)
      const codes = await Promise.all(logins.map(({ accessToken }) => codeOf(node.verify(accessToken))))
      expect(codes).toEqual(['session_ended', 'session_ended', 'user_suspended', 'accepted'])
      expect(told).toEqual([
        expect.objectContaining({
          userId: one,
          scope: 'session',
          sid: logins[0]!.session.sid,
          reason: 'lost phone',
          actor: 'admin',
          tokenVersion: null,
          isOwn: false,
        }),
        expect.objectContaining({ userId: all, scope: 'all', sid: null, tokenVersion: 1 }),
        expect.objectContaining({ userId: held, scope: 'all', tokenVersion: null }),
      ])
      expect(node.status().outbox).toMatchObject({ delivered: 3, failed: 0 })
      await node.close()
    })

    test('tells of what this process ended itself once, too', async () => {
      const { node, told, hear } = await listen()
      const [mine, marker] = [stage().user(), stage().user()]
      await node.revokeAll(mine)
      expect(told.map(({ userId }) => userId)).toEqual([mine])
      await there().revokeAll(marker)
      await hear(marker)
      expect(told.map(({ userId }) => userId)).toEqual([mine, marker])
      expect(told.map(({ isOwn }) => isOwn)).toEqual([true, false])
      expect(node.status().outbox).toMatchObject({ delivered: 1 })
      await node.close()
    })

    test('tells nothing of what was before, nothing after close, and is off where nobody asked for it', async () => {
      const before = stage().user()
      await stage().sessions.revokeAll(before)
      const { node, told, hear } = await listen()
      const marker = stage().user()
      await there().revokeAll(marker)
      await hear(marker)
      expect(told.map(({ userId }) => userId)).toEqual([marker])
      await node.close()
      await there().revokeAll(stage().user())
      expect(told).toHaveLength(1)
      expect(stage().sessions.status().outbox).toBeNull()
    })

    test('goes on where it was when the store is back, and keeps nothing over the time it was deaf', async () => {
      const { open, user } = stage()
      const state = { isDeaf: false }
      const readEvents: typeof open.store.readEvents = (...given) =>
        state.isDeaf ? Promise.reject(new Error('ECONNREFUSED')) : open.store.readEvents(...given)
      const { node, told, hear } = await listen({ store: { ...open.store, readEvents } })
      const faults: unknown[] = []
      node.on('error', (fault) => faults.push(fault))
      const [missed, bystander] = [user(), user()]
      const { accessToken } = await node.create({ userId: bystander })
      await node.verify(accessToken)
      state.isDeaf = true
      await expect.poll(() => node.status().outbox!.failed, { interval: 5 }).toBeGreaterThan(0)
      for (let count = 0; count < 20; count += 1) await there().revokeAll(missed)
      state.isDeaf = false
      await hear(missed)
      await expect.poll(() => told.length, { interval: 5 }).toBe(20)
      expect(faults[0]).toMatchObject({ during: 'outbox' })
      expect((await node.verify(accessToken)).source).toBe('store')
      await node.close()
    })
  })
}
