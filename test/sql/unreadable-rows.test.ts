import { expect, test } from 'vitest'
import { codeOf } from '../conformance/harness.js'
import { describeSql } from '../support/sql-stage.js'

describeSql('a row that another program has broken', (stage) => {
  test('among the events of a user stands in the way of no other, and is reported', async () => {
    const { knex, sessions } = stage()
    const faults: unknown[] = []
    sessions.on('error', (fault) => void faults.push(fault))
    await sessions.revokeAll('ann', { reason: 'first' })
    const broken = { type: 'all_sessions_revoked', user_id: 'ann', reason: 'x', at: '9007199254740993' }
    for (const event_id of ['odd', 'odder']) await knex('rollcall_events').insert({ ...broken, event_id })
    const newer = { event_id: 'new', type: 'of_a_newer_version', user_id: 'ann', reason: 'x', at: 1 }
    await knex('rollcall_events').insert(newer)
    const [newest] = await sessions.events('ann', { limit: 1 })
    expect(newest).toMatchObject({ type: 'of_a_newer_version', at: new Date(1) })
    expect(await sessions.events('ann', { limit: 1, after: newest! })).toMatchObject([{ reason: 'first' }])
    expect(faults).toMatchObject([{ during: 'events' }, { during: 'events' }])
  })

  test.each([
    ['no JSON', { audience: 'no json' }],
    ['JSON that is no list', { audience: 'null' }],
    ['a text that holds the audience', { audience: '"https://api.example.evil"' }],
    ['a list of something else', { audience: '[{}]' }],
    ['methods that are no list', { amr: '"pwd"' }],
    ['a number beyond what is exact', { expires_at: '9223372036854775807' }],
  ])('(%s) fails for its own session alone, among others of the same read', async (_, broken) => {
    const { knex, sessions } = stage()
    const logins = await Promise.all(
      Array.from({ length: 40 }, (_, index) =>
        sessions.create({ userId: `${JSON.stringify(broken)}-${index}`, amr: ['pwd'] }),
      ),
    )
    await knex('rollcall_sessions').where({ sid: logins[7]!.session.sid }).update(broken)
    const codes = await Promise.all(logins.map(({ accessToken }) => codeOf(sessions.verify(accessToken))))
    expect(codes.filter((code) => code === 'accepted')).toHaveLength(39)
    expect(codes[7]).toBe('store_unavailable')
  })
})
