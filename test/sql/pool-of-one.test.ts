import { expect, test } from 'vitest'
import { codeOf } from '../conformance/harness.js'
import { describeSql } from '../support/sql-stage.js'

describeSql('a pool of one connection', (stage, engine) => {
  test('serves every verb to fifty callers at once (knex#1040)', async () => {
    const { database, sessionsOver } = stage()
    const sessions = sessionsOver(engine === 'sqlite' ? database.knex() : database.knex({ pool: { min: 0, max: 1 } }), {
      storeTimeout: '60s',
    })
    const callers = Array.from({ length: 50 }, async (_, index) => {
      const userId = `pool-${index}`
      const expectedTokenVersion = await sessions.tokenVersion(userId)
      const [mine, other] = [await sessions.create({ userId, expectedTokenVersion }), await sessions.create({ userId })]
      await sessions.verify(mine.accessToken)
      await sessions.rename(userId, mine.session.sid, 'Phone')
      expect(await sessions.list(userId)).toHaveLength(2)
      expect(await sessions.revoke(userId, other.session.sid)).toEqual({ revoked: 1 })
      expect(await sessions.revokeOthers(userId, mine.session.sid)).toEqual({ revoked: 0, tokenVersion: 1 })
      await sessions.suspend(userId)
      expect(await codeOf(sessions.verify(mine.accessToken))).toBe('user_suspended')
      await sessions.reinstate(userId)
      await sessions.prune({ batchSize: 5, maxBatches: 2 })
      expect(await sessions.revokeToken(mine.accessToken)).toEqual({ revoked: 1 })
      expect(await sessions.revokeAll(userId)).toEqual({ revoked: 0, tokenVersion: 2 })
    })
    await Promise.all(callers)
    await sessions.close()
  })

  test("lets the claims callback query on the caller's transaction", async () => {
    const { database, sessionsOver } = stage()
    const knex = engine === 'sqlite' ? database.knex() : database.knex({ pool: { min: 0, max: 1 } })
    const sessions = sessionsOver(knex, {
      claims: async ({ transaction }) => {
        await transaction!.raw('select 1')
        return {}
      },
    })
    const created = await knex.transaction((transaction) => sessions.create({ userId: 'claims', transaction }))
    expect((await sessions.verify(created.accessToken)).sid).toBe(created.session.sid)
  })

  test("issues every query of a verb on the caller's transaction, so that none waits for a second connection", async () => {
    const { database, sessionsOver } = stage()
    const knex = engine === 'sqlite' ? database.knex() : database.knex({ pool: { min: 0, max: 1 } })
    const sessions = sessionsOver(knex, { storeTimeout: '2s' })
    const userId = 'pool-transaction'
    await knex.transaction(async (transaction) => {
      const expectedTokenVersion = await sessions.tokenVersion(userId, { transaction })
      const { session, accessToken } = await sessions.create({ userId, expectedTokenVersion, transaction })
      await sessions.rename(userId, session.sid, 'x', { transaction })
      expect(await sessions.list(userId, { transaction })).toHaveLength(1)
      await sessions.revokeOthers(userId, session.sid, { transaction })
      await sessions.suspend(userId, { transaction })
      await sessions.reinstate(userId, { transaction })
      expect(await sessions.revokeToken(accessToken, { transaction })).toEqual({ revoked: 1 })
      expect(await sessions.revoke(userId, session.sid, { transaction })).toEqual({ revoked: 0 })
      await sessions.revokeAll(userId, { transaction })
    })
    expect(await sessions.tokenVersion(userId)).toBe(2)
  })

  test('says why a verify within a transaction that holds the only connection gets no answer, and goes on afterwards', async () => {
    const { database, sessionsOver } = stage()
    const knex = engine === 'sqlite' ? database.knex() : database.knex({ pool: { min: 0, max: 1 } })
    const sessions = sessionsOver(knex, { storeTimeout: '100ms' })
    // Without such haste where nothing is to go wrong.
    const patient = sessionsOver(knex)
    const { accessToken } = await patient.create({ userId: 'pool-verify' })
    expect(await codeOf(patient.verify(accessToken))).toBe('accepted')
    await knex.transaction(async (transaction) => {
      await transaction.raw('select 1')
      const fault = await sessions.verify(accessToken).catch((error: unknown) => error)
      expect(fault).toMatchObject({ code: 'store_unavailable' })
      expect(String((fault as Error).cause)).toContain('no connection of the Knex pool became free in time')
    })
    expect(await codeOf(patient.verify(accessToken))).toBe('accepted')
  })
})
