import { describe, expect, test } from 'vitest'
import { codeOf, stageFor, type StoreHarness } from './harness.js'

const day = 86_400_000

/** Suspension, clean-up, and what listeners hear. */
export function describeAdministration<Transaction>(harness: StoreHarness<Transaction>): void {
  describe('suspension', () => {
    const stage = stageFor(harness)

    test('a suspended user is refused at verify and at login, and stands again when reinstated (ASVS 7.4.2)', async () => {
      const { sessions, user, login } = stage()
      const userId = user()
      const { accessToken } = await login(userId)
      await sessions.suspend(userId)
      expect(await codeOf(sessions.verify(accessToken))).toBe('user_suspended')
      expect(await codeOf(login(userId))).toBe('user_suspended')
      await sessions.reinstate(userId)
      expect(await codeOf(sessions.verify(accessToken))).toBe('accepted')
      expect(await codeOf(login(userId))).toBe('accepted')
    })

    test('a user never seen can be suspended before the first login', async () => {
      const { sessions, user, login } = stage()
      const userId = user()
      await sessions.suspend(userId)
      expect(await codeOf(login(userId))).toBe('user_suspended')
      expect(await sessions.tokenVersion(userId)).toBe(0)
    })

    test('a suspension ends by itself at its time', async () => {
      const { sessions, user, login, clock } = stage()
      const userId = user()
      const { accessToken } = await login(userId)
      await sessions.suspend(userId, { until: new Date(clock.wall() + 60_000) })
      clock.advance(59_999)
      expect(await codeOf(sessions.verify(accessToken))).toBe('user_suspended')
      clock.advance(1)
      expect(await codeOf(sessions.verify(accessToken))).toBe('accepted')
    })

    test('sessions revoked during a suspension stay ended after it', async () => {
      const { sessions, user, login } = stage()
      const userId = user()
      const { accessToken } = await login(userId)
      await sessions.suspend(userId)
      expect((await sessions.revokeAll(userId)).revoked).toBe(1)
      await sessions.reinstate(userId)
      expect(await codeOf(sessions.verify(accessToken))).toBe('session_ended')
    })
  })

  describe('prune', () => {
    const stage = stageFor(harness)

    test('deletes what is dead, in batches, and nothing that stands', async () => {
      const { sessions, user, login, clock, open } = stage()
      const [kept, ended] = [user(), user()]
      const dead = []
      for (let count = 0; count < 7; count += 1)
        dead.push({ userId: kept, sid: (await login(kept, { lifetime: '1h' })).session.sid })
      for (let count = 0; count < 7; count += 1) dead.push({ userId: ended, sid: (await login(ended)).session.sid })
      const standing = await login(kept)
      const idle = await login(kept, { idleLifetime: '30m' })
      await sessions.revokeAll(ended)
      const again = await login(ended)
      clock.advance(3_600_000)

      expect(await sessions.prune({ batchSize: 4, maxBatches: 1 })).toMatchObject({ sessions: 4, more: true })
      expect(await sessions.prune({ batchSize: 4 })).toMatchObject({ sessions: 11, more: false })
      expect(await sessions.prune()).toEqual({ sessions: 0, events: 0, more: false })
      const all = [...dead, { userId: kept, sid: idle.session.sid }]
      expect(await open.store.lookup(all, {})).toEqual(all.map(() => null))
      expect(await codeOf(sessions.verify(standing.accessToken))).toBe('accepted')
      expect(await codeOf(sessions.verify(again.accessToken))).toBe('accepted')
    })

    test('keeps the version of a user without sessions, so that no old token comes back (simple-jwt-login#24)', async () => {
      const { sessions, user, login, clock } = stage()
      const userId = user()
      const { accessToken } = await login(userId)
      await sessions.revokeAll(userId)
      clock.advance(400 * day)
      await sessions.prune()
      expect(await sessions.tokenVersion(userId)).toBe(1)
      clock.advance(-400 * day)
      expect(await codeOf(sessions.verify(accessToken))).toBe('session_ended')
    })

    test('deletes events older than their retention', async () => {
      const { sessions, user, clock } = stage()
      await sessions.prune({ eventRetention: '1m' })
      clock.advance(day)
      await sessions.prune({ eventRetention: '1m' })
      for (let count = 0; count < 5; count += 1) await sessions.revokeAll(user())
      clock.advance(30 * day)
      await sessions.revokeAll(user())
      expect(await sessions.prune({ eventRetention: '31d' })).toMatchObject({ events: 0 })
      expect(await sessions.prune({ eventRetention: '29d', batchSize: 2 })).toMatchObject({ events: 5 })
    })

    test('several at once share the work without deleting twice', async () => {
      const { sessions, user, login, clock } = stage()
      const userId = user()
      for (let count = 0; count < 60; count += 1) await login(userId, { lifetime: '1h' })
      clock.advance(3_600_000)
      const counts = await Promise.all(Array.from({ length: 4 }, () => sessions.prune({ batchSize: 10 })))
      expect(counts.reduce((sum, { sessions }) => sum + sessions, 0)).toBe(60)
    })
  })

  describe('listeners', () => {
    const stage = stageFor(harness)

    test('hear of every change once it is committed, with reason and actor (ASVS 7.4.5, 16.3.1)', async () => {
      const { another, user, clock } = stage()
      const sessions = another()
      const heard: unknown[] = []
      for (const name of ['revoked', 'suspended', 'reinstated'] as const)
        sessions.on(name, ({ id: _id, ...event }) => heard.push({ name, ...event }))
      const userId = user()
      const [one, two] = [await sessions.create({ userId }), await sessions.create({ userId })]
      await sessions.revoke(userId, one.session.sid)
      await sessions.revokeOthers(userId, two.session.sid, { reason: 'password changed', actor: userId })
      await sessions.revokeAll(userId, { reason: 'abuse', actor: 'admin-1' })
      await sessions.suspend(userId)
      await sessions.reinstate(userId)
      const common = {
        userId,
        at: new Date(clock.wall()),
        actor: null,
        tokenVersion: null,
        sid: null,
        scope: 'all',
        isOwn: true,
      }
      expect(heard).toEqual([
        { ...common, name: 'revoked', scope: 'session', sid: one.session.sid, reason: 'logout' },
        {
          ...common,
          name: 'revoked',
          scope: 'others',
          sid: two.session.sid,
          tokenVersion: 1,
          reason: 'password changed',
          actor: userId,
        },
        { ...common, name: 'revoked', tokenVersion: 2, reason: 'abuse', actor: 'admin-1' },
        { ...common, name: 'suspended', reason: 'suspended' },
        { ...common, name: 'reinstated', reason: 'reinstated' },
      ])
    })

    test('hear nothing of a revoke that ended nothing', async () => {
      const { another, user } = stage()
      const sessions = another()
      const heard: unknown[] = []
      sessions.on('revoked', (event) => heard.push(event))
      await sessions.revoke(user(), 'unknown')
      expect(heard).toEqual([])
    })

    test('that throw fail neither the change nor each other', async () => {
      const { another, user } = stage()
      const sessions = another()
      const errors: unknown[] = []
      const heard: unknown[] = []
      const fault = new Error('listener')
      sessions.on('revoked', () => {
        throw fault
      })
      const stop = sessions.on('revoked', (event) => heard.push(event))
      sessions.on('error', (event) => errors.push(event))
      await sessions.revokeAll(user())
      stop()
      await sessions.revokeAll(user())
      expect(heard).toHaveLength(1)
      expect(errors).toEqual([
        { error: fault, during: 'listener' },
        { error: fault, during: 'listener' },
      ])
    })

    test('that are async fail nobody either when they reject', async () => {
      const { another, user } = stage()
      const sessions = another()
      const fault = new Error('async listener')
      const isReported = new Promise<unknown>((resolve) => void sessions.on('error', resolve))
      sessions.on('revoked', () => Promise.reject(fault))
      await sessions.revokeAll(user())
      expect(await isReported).toEqual({ error: fault, during: 'listener' })
    })

    test('find each event in the log under its id', async () => {
      const { another, user, open } = stage()
      const sessions = another()
      const ids: string[] = []
      sessions.on('revoked', ({ id }) => ids.push(id))
      await sessions.revokeAll(user())
      expect(await open.store.committed([...ids, 'another'], {})).toEqual(ids)
    })
  })
}
