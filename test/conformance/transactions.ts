import { describe, expect, test } from 'vitest'
import { codeOf, stageFor, type StoreHarness } from './harness.js'

/** Verbs inside the caller's own transaction. Stores without transactions pass by refusing every one. */
export function describeTransactions<Transaction>(harness: StoreHarness<Transaction>): void {
  describe("the caller's transaction", () => {
    const stage = stageFor(harness)

    test.each([null, 5, 'transaction', {}, () => {}])('%s is a TypeError, not a transaction', async (transaction) => {
      const { sessions, user } = stage()
      await expect(sessions.revokeAll(user(), { transaction: transaction as Transaction })).rejects.toBeInstanceOf(
        TypeError,
      )
    })

    test('decides about every verb in it: what is rolled back never was, what is committed is', async ({ skip }) => {
      const { sessions, user, login, open } = stage()
      if (!open.begin) return skip('this store has no transactions')
      for (const isCommitted of [false, true]) {
        const [userId, third] = [user(), user()]
        const [mine, other] = [await login(userId), await login(userId)]
        const { transaction, commit, rollback } = await open.begin()
        const created = await sessions.create({ userId: third, transaction })
        await sessions.rename(userId, mine.session.sid, 'Renamed', { transaction })
        expect(await sessions.revokeOthers(userId, mine.session.sid, { transaction })).toEqual({
          revoked: 1,
          tokenVersion: 1,
        })
        expect(await sessions.tokenVersion(userId, { transaction })).toBe(1)
        expect((await sessions.list(userId, { transaction })).map(({ device }) => device.name)).toEqual(['Renamed'])
        await sessions.suspend(third, { transaction })
        await (isCommitted ? commit() : rollback())

        expect(await codeOf(sessions.verify(mine.accessToken))).toBe('accepted')
        expect(await codeOf(sessions.verify(other.accessToken))).toBe(isCommitted ? 'session_ended' : 'accepted')
        expect(await codeOf(sessions.verify(created.accessToken))).toBe(
          isCommitted ? 'user_suspended' : 'session_ended',
        )
        expect(await sessions.tokenVersion(userId)).toBe(isCommitted ? 1 : 0)
        expect(await sessions.list(third)).toHaveLength(isCommitted ? 1 : 0)
      }
    })

    test('that is over is a TypeError', async ({ skip }) => {
      const { sessions, user, open } = stage()
      if (!open.begin) return skip('this store has no transactions')
      const { transaction, commit } = await open.begin()
      await commit()
      const userId = user()
      await expect(sessions.revokeAll(userId, { transaction })).rejects.toBeInstanceOf(TypeError)
      expect(await sessions.tokenVersion(userId)).toBe(0)
    })

    test('that committed just before close is still heard of', async ({ skip }) => {
      const { another, user, open } = stage()
      if (!open.begin) return skip('this store has no transactions')
      for (let round = 0; round < 5; round += 1) {
        const sessions = another()
        const heard: string[] = []
        sessions.on('revoked', ({ userId }) => heard.push(userId))
        const userId = user()
        const { transaction, commit } = await open.begin()
        await sessions.revokeAll(userId, { transaction })
        await commit()
        await sessions.close()
        expect(heard).toEqual([userId])
      }
    })

    test('keeps listeners waiting until its commit, and tells them nothing of a rollback', async ({ skip }) => {
      const { another, user, open } = stage()
      if (!open.begin) return skip('this store has no transactions')
      const sessions = another()
      const heard: string[] = []
      const [kept, undone] = [user(), user()]
      const first = await open.begin()
      await sessions.revokeAll(undone, { transaction: first.transaction })
      await first.rollback()
      const isHeard = new Promise<void>(
        (resolve) => void sessions.on('revoked', ({ userId }) => (heard.push(userId), resolve())),
      )
      const second = await open.begin()
      await sessions.revokeAll(kept, { transaction: second.transaction })
      expect(heard).toEqual([])
      await second.commit()
      await isHeard
      expect(heard).toEqual([kept])
    })
  })
}
