import type { Knex } from 'knex'
import { expect, test } from 'vitest'
import { createFakeClock } from '../conformance/fake-clock.js'
import { codeOf } from '../conformance/harness.js'
import { describeSql } from '../support/sql-stage.js'

describeSql(
  'locks and conflicts',
  (stage, engine) => {
    test('a lock held too long is store_unavailable for us', async () => {
      const { knex, sessionsOver } = stage()
      const sessions = sessionsOver(knex, { storeTimeout: '200ms' })
      const patient = sessionsOver(knex)
      await patient.revokeAll('locked')
      const transaction = await knex.transaction()
      await sessions.revokeAll('locked', { transaction })
      expect(await codeOf(sessions.create({ userId: 'locked' }))).toBe('store_unavailable')
      expect(await codeOf(sessions.revokeAll('locked'))).toBe('store_unavailable')
      await transaction.rollback()
      expect(await patient.tokenVersion('locked')).toBe(1)
    })

    test("a deadlock in the caller's transactions is transaction_conflict for the one that lost", async () => {
      const { knex, sessions } = stage()
      for (const userId of ['left', 'right']) await sessions.revokeAll(userId)
      const [one, two] = [await knex.transaction(), await knex.transaction()]
      await sessions.revokeAll('left', { transaction: one })
      await sessions.revokeAll('right', { transaction: two })
      const outcomes = await Promise.all([
        finish(sessions.revokeAll('right', { transaction: one }), one),
        finish(sessions.revokeAll('left', { transaction: two }), two),
      ])
      expect(outcomes.toSorted()).toEqual(['accepted', 'transaction_conflict'])
    })

    test('deadlocks among our own transactions and an app that locks the other way round are tried again', async () => {
      const { knex, sessions, store } = stage()
      const users = Array.from({ length: 4 }, (_, index) => `deadlock-${index}`)
      for (const userId of users) await sessions.revokeAll(userId)
      async function lockInOrder(order: readonly string[]): Promise<void> {
        await knex.transaction(async (transaction) => {
          for (const userId of order) await sessions.revokeAll(userId, { transaction })
        })
      }
      const outcomes = await Promise.allSettled(
        Array.from({ length: 12 }, (_, index) => lockInOrder(index % 2 === 0 ? users : users.toReversed())),
      )
      const own = await Promise.all(users.map((userId) => codeOf(sessions.create({ userId }))))
      expect(own).toEqual(users.map(() => 'accepted'))
      const committed = outcomes.filter(({ status }) => status === 'fulfilled').length
      for (const userId of users) expect((await store.readUser(userId, {})).tokenVersion).toBe(1 + committed)
    })

    async function finish(call: Promise<unknown>, transaction: Knex.Transaction): Promise<string> {
      const code = await codeOf(call)
      await (code === 'accepted' ? transaction.commit() : transaction.rollback())
      return code
    }

    test('a logout within an older snapshot tells the truth about a session begun after it', async () => {
      const { knex, sessions } = stage()
      const userId = `snapshot-${engine}`
      await sessions.create({ userId })
      const transaction = await knex.transaction({ isolationLevel: 'repeatable read' })
      expect(await sessions.list(userId, { transaction })).toHaveLength(1)
      const { session, accessToken } = await sessions.create({ userId })
      expect(await sessions.list(userId, { transaction })).toHaveLength(1)
      const code = await codeOf(
        sessions
          .revoke(userId, session.sid, { transaction })
          .then(({ revoked }) => expect(revoked).toBe(engine === 'postgres' ? 0 : 1)),
      )
      expect(code).toBe('accepted')
      await transaction.commit()
      // A Postgres snapshot hides the row from the delete as well, and the answer says so; InnoDB deletes what is there.
      expect(await codeOf(sessions.verify(accessToken))).toBe(engine === 'postgres' ? 'accepted' : 'session_ended')
    })
  },
  ['postgres', 'mariadb', 'mysql'],
)

describeSql(
  'a logout within a snapshot older than the last use of the session',
  (stage) => {
    test('tells that it ended the session, and listeners hear of it', async () => {
      const { knex, sessionsOver } = stage()
      const clock = createFakeClock()
      const sessions = sessionsOver(knex, { clock })
      const heard: string[] = []
      sessions.on('revoked', ({ userId }) => heard.push(userId))
      const { accessToken, session } = await sessions.create({ userId: 'older', idleLifetime: '1h' })
      const transaction = await knex.transaction()
      expect(await sessions.list('older', { transaction })).toHaveLength(1)
      clock.advance(50 * 60_000)
      const used = sessionsOver(knex, { clock })
      await used.verify(accessToken)
      await used.close()
      clock.advance(30 * 60_000)
      expect(await sessions.revoke('older', session.sid, { transaction })).toEqual({ revoked: 1 })
      await transaction.commit()
      await sessions.close()
      expect(heard).toEqual(['older'])
    })
  },
  ['mariadb', 'mysql'],
)
