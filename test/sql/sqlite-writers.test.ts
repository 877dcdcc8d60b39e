import { afterAll, beforeAll, expect, test } from 'vitest'
import { startSecondProcess, type SecondProcess } from '../support/second-process.js'
import { describeSql, secret } from '../support/sql-stage.js'

describeSql(
  'two processes that write one file',
  (stage) => {
    let there: SecondProcess
    beforeAll(async () => {
      there = await startSecondProcess(stage().database, secret)
    })
    afterAll(() => there.close())

    test.each(['delete', 'wal'])(
      'wait for each other and never fail at once, in journal mode %s (Effect#7162)',
      async (mode) => {
        const { knex, store, sessions } = stage()
        await knex.raw(`pragma journal_mode = ${mode}`)
        const userId = `writers-${mode}`
        let ended = 0
        for (let round = 0; round < 150; round += 1) {
          const { session } = await sessions.create({ userId })
          const event = {
            id: `${mode}-${round}`,
            type: 'session_revoked',
            userId,
            sid: session.sid,
            reason: 'x',
            actor: null,
            at: Date.now(),
          } as const
          const change = there.call('revokeAll', userId)
          // Straight to the store, which does not try again: begun as a read, this would meet SQLITE_BUSY.
          if (await store.remove({ userId, sid: session.sid }, event, {})) ended += 1
          await change
        }
        expect(await sessions.tokenVersion(userId)).toBe(150)
        expect(ended).toBeGreaterThan(0)
      },
    )
  },
  ['sqlite'],
)
