import { expect, test } from 'vitest'
import { codeOf } from '../conformance/harness.js'
import { describeSql } from '../support/sql-stage.js'

describeSql('a logout of everybody', (stage) => {
  test('is the deletion of all rows of the sessions table: the next verify and refresh of each are refused (ASVS 7.4.5)', async () => {
    const { knex, sessionsOver } = stage()
    const sessions = sessionsOver(knex, { refreshToken: { secret: 'r'.repeat(32) } })
    const logins = []
    for (const userId of ['alice', 'alice', 'bob']) logins.push(await sessions.create({ userId }))
    for (const { accessToken } of logins) expect(await codeOf(sessions.verify(accessToken))).toBe('accepted')
    await knex('rollcall_sessions').delete()
    for (const { accessToken, refreshToken } of logins) {
      expect(await codeOf(sessions.verify(accessToken))).toBe('session_ended')
      expect(await codeOf(sessions.refresh(refreshToken!))).toBe('session_ended')
    }
    expect(await codeOf(sessions.create({ userId: 'alice' }))).toBe('accepted')
    await sessions.close()
  })
})
