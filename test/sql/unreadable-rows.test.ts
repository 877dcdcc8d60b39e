import { expect, test } from 'vitest'
import { codeOf } from '../conformance/harness.js'
import { describeSql } from '../support/sql-stage.js'

describeSql('a row that another program has broken', (stage) => {
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
