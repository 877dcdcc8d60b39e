import type { Knex } from 'knex'
import { expect } from 'vitest'
import { createFakeClock } from '../conformance/fake-clock.js'
import { codeOf } from '../conformance/harness.js'
import { storeFor } from './databases.js'
import type { SqlStage } from './sql-stage.js'

let runs = 0

/** The main job over a Knex instance of the app's making; every column is written and read on the way. */
export async function runMainJob(stage: SqlStage, knex: Knex): Promise<void> {
  const clock = createFakeClock()
  const sessions = stage.sessionsOver(knex, { clock, refreshToken: { secret: 'r'.repeat(32) } })
  for (const userId of [`Ålice ${(runs += 1)} `, `o'\\brien"${(runs += 1)}`, 2n ** 53n + BigInt((runs += 1))]) {
    const device = { name: 'Phone \u{1F600}', userAgent: 'curl/8 \\', ip: '::1' }
    const mine = await sessions.create({ userId, device, amr: ['pwd', 'otp'], acr: 'höher' })
    const [second, third] = [await sessions.create({ userId }), await sessions.create({ userId })]
    const verified = await sessions.verify(mine.accessToken)
    expect(verified).toMatchObject({ userId: String(userId), amr: ['pwd', 'otp'], acr: 'höher' })
    expect(await sessions.rename(userId, mine.session.sid, 'Büro')).toEqual({ renamed: 1 })
    expect(await sessions.revoke(userId, second.session.sid)).toEqual({ revoked: 1 })
    expect(await codeOf(sessions.verify(second.accessToken))).toBe('session_ended')
    clock.advance(60_000)
    const rotated = await sessions.refresh(mine.refreshToken!)
    expect((await sessions.verify(rotated.accessToken)).acr).toBe('höher')
    expect(await sessions.refresh(mine.refreshToken!)).toMatchObject({
      outcome: 'redelivered',
      refreshToken: rotated.refreshToken,
      session: rotated.session,
    })
    const listed = await sessions.list(userId, { current: mine.session.sid })
    expect(listed).toHaveLength(2)
    expect(listed.find(({ current }) => current)?.device).toEqual({
      ...device,
      name: 'Büro',
      kind: mine.session.device.kind,
    })
    expect(listed.find(({ current }) => current)?.expiresAt).toEqual(mine.session.expiresAt)
    const keys = listed.map(({ sid }) => ({ userId: String(userId), sid }))
    expect((await storeFor(stage.engine, knex).lookup(keys, {})).map((record) => record?.sid)).toEqual(
      keys.map(({ sid }) => sid),
    )
    expect(await sessions.revokeOthers(userId, mine.session.sid)).toEqual({ revoked: 1, tokenVersion: 1 })
    expect(await codeOf(sessions.verify(third.accessToken))).toBe('session_ended')
    await knex.transaction(async (transaction) => {
      expect(await sessions.revokeAll(userId, { transaction })).toEqual({ revoked: 1, tokenVersion: 2 })
    })
    expect(await codeOf(sessions.verify(mine.accessToken))).toBe('session_ended')
    await sessions.prune()
  }
  await sessions.close()
}

/** A connection as an object, with settings added. */
export function connectionOf({ database }: SqlStage, settings: object): Knex.StaticConnectionConfig {
  const url = new URL(database.url)
  const { hostname: host, port, username: user } = url
  return { host, port: Number(port), user, database: url.pathname.slice(1), ...settings }
}
