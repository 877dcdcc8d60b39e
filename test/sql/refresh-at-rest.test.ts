import { expect, test } from 'vitest'
import { createFakeClock } from '../conformance/fake-clock.js'
import { describeSql } from '../support/sql-stage.js'

describeSql('refresh tokens at rest', (stage) => {
  test('are in no column of any table, whole or in part: a leaked database can refresh nothing (simplejwt#803; ASVS 16.2.5)', async () => {
    const { knex, sessionsOver } = stage()
    const clock = createFakeClock()
    const secret = 'a refresh secret of thirty-two bytes or more'
    const sessions = sessionsOver(knex, { clock, refreshToken: { secret } })
    const shown: string[] = []
    const login = await sessions.create({ userId: 'alice' })
    let token = login.refreshToken!
    for (let round = 0; round < 4; round += 1) {
      shown.push(token)
      clock.advance(60_000)
      const { refreshToken, accessToken } = await sessions.refresh(token)
      await sessions.verify(accessToken)
      token = refreshToken
    }
    const spent = await sessions.refresh(shown[0]!).catch((error: unknown) => error)
    expect(spent).toMatchObject({ code: 'refresh_token_reused' })
    await sessions.create({ userId: 'alice' })
    await sessions.close()

    const rows = [
      await knex('rollcall_sessions').select(),
      await knex('rollcall_users').select(),
      await knex('rollcall_events').select(),
    ].flat() as Record<string, unknown>[]
    const texts = rows.flatMap((row) =>
      Object.values(row).map((cell) => (Buffer.isBuffer(cell) ? cell.toString() : String(cell))),
    )
    expect(texts).toContain('refresh_token_reused')
    for (const text of [...shown, token]) {
      const [secretPart, mac] = text.split('.').slice(-2)
      for (const part of [text, secretPart!, mac!, secret]) {
        expect(texts.filter((cell) => cell.includes(part))).toEqual([])
        expect(texts.filter((cell) => cell.includes(Buffer.from(part, 'base64url').toString('hex')))).toEqual([])
      }
    }
  })

  test('have their reuse written down with its kind, in the transaction that ends the session (ASVS 16.3.1, 16.3.3)', async () => {
    const { knex, sessionsOver } = stage()
    const clock = createFakeClock()
    const sessions = sessionsOver(knex, { clock, refreshToken: { secret: 'r'.repeat(32) } })
    const { refreshToken, session } = await sessions.create({ userId: 'bob' })
    let token = refreshToken!
    for (let round = 0; round < 2; round += 1) {
      clock.advance(60_000)
      token = (await sessions.refresh(token)).refreshToken
    }
    await expect(sessions.refresh(refreshToken!)).rejects.toMatchObject({ code: 'refresh_token_reused' })
    const events = (await knex('rollcall_events').where({ type: 'refresh_token_reused' })) as Record<string, unknown>[]
    const mine = events.filter(({ sid }) => String(sid) === session.sid)
    expect(mine).toHaveLength(1)
    expect(String(mine[0]!['reason'])).toBe('superseded')
    expect(Number(mine[0]!['at'])).toBe(clock.wall())
  })
})
