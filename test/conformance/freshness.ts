import { describe, expect, test } from 'vitest'
import { codeOf, stageFor, type Stage, type StoreHarness } from './harness.js'
import { minute, refreshing, second } from './refresh-stage.js'

const bound = 5 * second

/** Kept sessions: how late a revoke may bite, and what is never kept. */
export function describeFreshness<Transaction>(harness: StoreHarness<Transaction>): void {
  describe('freshness', () => {
    const stage = stageFor(harness)
    const kept = { freshness: { maxStaleness: bound } }

    /** Two nodes over the same rows; the first keeps sessions, and counts its reads. */
    function nodes(settings: object = kept): {
      here: ReturnType<Stage<Transaction>['another']>
      there: ReturnType<Stage<Transaction>['another']>
      reads: () => number
    } {
      const { another, open } = stage()
      let reads = 0
      const store = {
        ...open.store,
        lookup: (...given: Parameters<typeof open.store.lookup>) => ((reads += 1), open.store.lookup(...given)),
      }
      return {
        here: another({ ...settings, store }),
        there: another({ store: open.elsewhere ?? open.store }),
        reads: () => reads,
      }
    }

    test('is strict by default: every verify reads, and a revoke of another node bites at once (ASVS 7.2.1, 8.3.2)', async () => {
      const { here, there, reads } = nodes({})
      const userId = stage().user()
      const { accessToken, session } = await here.create({ userId })
      for (let count = 1; count <= 3; count += 1) {
        expect((await here.verify(accessToken)).source).toBe('store')
        expect(reads()).toBe(count)
      }
      await there.revoke(userId, session.sid)
      expect(await codeOf(here.verify(accessToken))).toBe('session_ended')
    })

    test('lets a revoke of another node be accepted to the last millisecond of the bound, and not one longer (ASVS 8.3.2)', async () => {
      const { here, there } = nodes()
      const { clock, user } = stage()
      const userId = user()
      const { accessToken, session } = await here.create({ userId })
      const { checkedAt } = await here.verify(accessToken)
      await there.revoke(userId, session.sid)
      clock.advance(bound)
      expect(await here.verify(accessToken)).toMatchObject({ source: 'cache', checkedAt })
      clock.advance(1)
      expect(await codeOf(here.verify(accessToken))).toBe('session_ended')
    })

    test('does not slide: a session in constant use is read again all the same', async () => {
      const { here, reads } = nodes()
      const { accessToken } = await here.create({ userId: stage().user() })
      for (let count = 0; count < 20; count += 1) {
        await here.verify(accessToken)
        stage().clock.advance(second)
      }
      expect(reads()).toBe(4)
    })

    test('may be stricter for a call, never laxer', async () => {
      const { here, there } = nodes()
      const userId = stage().user()
      const { accessToken, session } = await here.create({ userId })
      await here.verify(accessToken)
      stage().clock.advance(2 * second)
      await there.revoke(userId, session.sid)
      expect((await here.verify(accessToken, { maxStaleness: '2s' })).source).toBe('cache')
      expect(await codeOf(here.verify(accessToken, { maxStaleness: '1s' }))).toBe('session_ended')
      const strict = nodes({})
      const other = await strict.here.create({ userId })
      await strict.here.verify(other.accessToken)
      expect((await strict.here.verify(other.accessToken, { maxStaleness: '1h' })).source).toBe('store')
      await expect(here.verify(accessToken, { maxStaleness: -1 })).rejects.toBeInstanceOf(TypeError)
    })

    test('knows of what this process changed at once', async () => {
      for (const end of ['revoke', 'revokeAll', 'revokeOthers', 'suspend'] as const) {
        const { here } = nodes()
        const userId = stage().user()
        const { accessToken, session } = await here.create({ userId })
        const other = await here.create({ userId })
        await here.verify(accessToken)
        if (end === 'revoke') await here.revoke(userId, session.sid)
        else if (end === 'revokeOthers') await here.revokeOthers(userId, other.session.sid)
        else await here[end](userId)
        const code = end === 'suspend' ? 'user_suspended' : 'session_ended'
        expect(await codeOf(here.verify(accessToken))).toBe(code)
      }
    })

    test('keeps nothing of a session that a revoke here found ended elsewhere, or could not tell of', async () => {
      const { open, another, user } = stage()
      for (const isLost of [false, true]) {
        const remove: typeof open.store.remove = async (...given) => {
          const answer = await open.store.remove(...given)
          if (isLost) throw new Error('the answer to the commit was lost')
          return answer
        }
        const here = another({ ...kept, store: { ...open.store, remove } })
        const userId = user()
        const { accessToken, session } = await here.create({ userId })
        await here.verify(accessToken)
        if (isLost) expect(await codeOf(here.revoke(userId, session.sid))).toBe('store_unavailable')
        else {
          await another({ store: open.elsewhere ?? open.store }).revoke(userId, session.sid)
          expect(await here.revoke(userId, session.sid)).toEqual({ revoked: 0 })
        }
        expect(await codeOf(here.verify(accessToken))).toBe('session_ended')
      }
    })

    test('hands out lists that nobody can change for the others', async () => {
      const { here } = nodes()
      const { accessToken } = await here.create({ userId: stage().user(), amr: ['pwd'] })
      for (let count = 0; count < 2; count += 1) {
        const { amr } = await here.verify(accessToken)
        expect(amr).toEqual(['pwd'])
        expect(Object.isFrozen(amr)).toBe(true)
      }
    })

    test('forgets what it kept once a stricter verify was refused', async () => {
      const { here, there } = nodes()
      const userId = stage().user()
      const { accessToken, session } = await here.create({ userId })
      await here.verify(accessToken)
      await there.revoke(userId, session.sid)
      expect((await here.verify(accessToken)).source).toBe('cache')
      expect(await codeOf(here.verify(accessToken, { maxStaleness: 0 }))).toBe('session_ended')
      expect(await codeOf(here.verify(accessToken))).toBe('session_ended')
    })

    test('keeps no refusal: a reinstated user is accepted at once, and one who was never seen costs a read each time', async () => {
      const { here, there, reads } = nodes()
      const userId = stage().user()
      const { accessToken, session } = await here.create({ userId })
      await there.suspend(userId)
      expect(await codeOf(here.verify(accessToken))).toBe('user_suspended')
      await there.reinstate(userId)
      expect(await codeOf(here.verify(accessToken))).toBe('accepted')
      await here.revoke(userId, session.sid)
      const before = reads()
      for (let count = 0; count < 3; count += 1) expect(await codeOf(here.verify(accessToken))).toBe('session_ended')
      expect(reads() - before).toBe(3)
    })

    test('follows a rotation, here and elsewhere, without a refusal', async () => {
      const { clock, open, user } = stage()
      const here = refreshing(stage(), kept)
      const there = refreshing(stage(), { store: open.elsewhere ?? open.store })
      const login = await here.create({ userId: user() })
      for (const node of [here, there, here]) {
        await here.verify(login.accessToken)
        clock.advance(minute)
        const fresh = await node.refresh(login.refreshToken)
        expect(await codeOf(here.verify(fresh.accessToken))).toBe('accepted')
        expect(await codeOf(here.verify(fresh.accessToken))).toBe('accepted')
        break
      }
      const rotated = await there.refresh(login.refreshToken)
      expect(await codeOf(here.verify(rotated.accessToken))).toBe('accepted')
    })

    test('counts age on both clocks: neither a wall clock that is set back nor one that jumps makes an old read young', async () => {
      const { here, there } = nodes()
      const { clock, user } = stage()
      const userId = user()
      const { accessToken, session } = await here.create({ userId })
      await here.verify(accessToken)
      await there.revoke(userId, session.sid)
      const then = clock.wall()
      clock.advance(bound + 1)
      clock.set(then)
      expect(await codeOf(here.verify(accessToken))).toBe('session_ended')

      const next = await here.create({ userId })
      await here.verify(next.accessToken)
      await there.revoke(userId, next.session.sid)
      // A machine that slept: the monotonic clock stood still.
      clock.set(clock.wall() + bound + 1)
      expect(await codeOf(here.verify(next.accessToken))).toBe('session_ended')
    })

    test('never turns an outage into more than what was kept: afterwards it is 503, and no session is lost (ASVS 16.5.2, 16.5.3)', async () => {
      const { another, open, clock, user } = stage()
      let isDown = false
      const store = {
        ...open.store,
        lookup: (...given: Parameters<typeof open.store.lookup>) =>
          isDown ? Promise.reject(new Error('ECONNREFUSED')) : open.store.lookup(...given),
      }
      const sessions = another({ ...kept, store })
      const { accessToken } = await sessions.create({ userId: user() })
      await sessions.verify(accessToken)
      isDown = true
      clock.advance(bound)
      expect(await codeOf(sessions.verify(accessToken))).toBe('accepted')
      clock.advance(1)
      expect(await codeOf(sessions.verify(accessToken))).toBe('store_unavailable')
      isDown = false
      expect(await codeOf(sessions.verify(accessToken))).toBe('accepted')
    })

    test('a thousand verifies of a token that nobody has seen are one read, strict or not', async () => {
      for (const settings of [{}, kept]) {
        const { here, there, reads } = nodes(settings)
        const { accessToken } = await there.create({ userId: stage().user() })
        await Promise.all(Array.from({ length: 1_000 }, () => here.verify(accessToken)))
        expect(reads()).toBe(1)
        expect(here.status().accessTokens.misses).toBe(1)
      }
    })

    test('a version lower than one that was seen is a database that forgot: 503, and no accept (ASVS 16.5.3)', async () => {
      const { another, open, user } = stage()
      const userId = user()
      const sessions = another()
      const { accessToken, session } = await sessions.create({ userId })
      const forgotten = (await open.store.lookup([{ userId, sid: session.sid }], {}))[0]!
      let isBehind = false
      const store = {
        ...open.store,
        lookup: async (...given: Parameters<typeof open.store.lookup>) =>
          isBehind ? [forgotten] : open.store.lookup(...given),
      }
      const clock = { ...stage().clock, mono: () => performance.now() }
      const here = another({ store, clock })
      await sessions.revokeOthers(userId, session.sid)
      expect(await codeOf(here.verify(accessToken))).toBe('accepted')
      isBehind = true
      expect(await codeOf(here.verify(accessToken))).toBe('store_behind')
      isBehind = false
      expect(await codeOf(here.verify(accessToken))).toBe('accepted')
    })
  })
}
