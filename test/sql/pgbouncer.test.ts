import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import knexFactory, { type Knex } from 'knex'
import { migrate } from '../../adapters/sql/migrate.js'
import { postgresStore } from '../../adapters/sql/postgres.js'
import { migrations } from '../../migrations/index.js'
import { createSessions } from '../../src/sessions.js'
import { createKeyRing } from '../../src/tokens/key-ring.js'
import { createFakeClock } from '../conformance/fake-clock.js'
import { codeOf } from '../conformance/harness.js'
import { createDatabase, type TestDatabase } from '../support/databases.js'
import { secret, type SqlSessions } from '../support/sql-stage.js'

const { pgbouncer, postgres } = inject('engines')
const isLeftOut = pgbouncer === null || postgres === null

describe.skipIf(isLeftOut)(
  `a transaction-mode PgBouncer${isLeftOut ? ' (left out by ROLLCALL_TEST_WITHOUT)' : ''}`,
  () => {
    let database: TestDatabase
    let knex: Knex
    const clock = createFakeClock()

    beforeAll(async () => {
      database = await createDatabase('postgres')
      const url = new URL(pgbouncer!)
      url.pathname = new URL(database.url).pathname
      knex = knexFactory({ client: 'pg', connection: url.href, pool: { min: 0, max: 8 } })
    })
    afterAll(async () => {
      await knex.destroy()
      await database.drop()
    })

    async function sessionsWith(options?: { preparedStatements: boolean }): Promise<SqlSessions> {
      const keys = await createKeyRing({ secret })
      const store = postgresStore(knex, options)
      return createSessions<Record<never, never>, Knex.Transaction>({
        store,
        keys,
        issuer: 'https://issuer.example',
        audience: 'a',
        clock,
        refreshToken: { secret },
      })
    }

    test('lets migrate through', async () => {
      const applied = await Promise.all([migrate(knex), migrate(knex), migrate(knex)])
      expect(applied.flat()).toEqual(migrations.map(({ name }) => name))
    })

    test('loses the names of prepared statements, as this test counts on', async () => {
      const named = Array.from({ length: 40 }, (_, index) =>
        knex.raw('select ?::int as n', [index]).options({ name: 'app' }),
      )
      const outcomes = await Promise.allSettled(named)
      expect(outcomes.some(({ status }) => status === 'rejected')).toBe(true)
    })

    test.each([undefined, { preparedStatements: false }])(
      'lets the main job through with the options %j (pg#2327)',
      async (options) => {
        const sessions = await sessionsWith(options)
        const userId = `pgbouncer-${String(options?.preparedStatements)}`
        const [mine, other] = [await sessions.create({ userId }), await sessions.create({ userId })]
        for (let round = 0; round < 5; round += 1) {
          const codes = await Promise.all(Array.from({ length: 100 }, () => codeOf(sessions.verify(mine.accessToken))))
          expect(new Set(codes)).toEqual(new Set(['accepted']))
        }
        clock.advance(60_000)
        const refreshed = await Promise.all(Array.from({ length: 40 }, () => sessions.refresh(mine.refreshToken!)))
        expect(refreshed.filter(({ outcome }) => outcome === 'rotated')).toHaveLength(1)
        expect(new Set(refreshed.map(({ refreshToken }) => refreshToken)).size).toBe(1)
        expect(await sessions.revokeOthers(userId, mine.session.sid)).toEqual({ revoked: 1, tokenVersion: 1 })
        expect(await codeOf(sessions.verify(other.accessToken))).toBe('session_ended')
        await knex.transaction(async (transaction) => void (await sessions.revokeAll(userId, { transaction })))
        expect(await codeOf(sessions.verify(mine.accessToken))).toBe('session_ended')
        expect(await sessions.prune()).toMatchObject({ more: false })
        await sessions.close()
      },
    )
  },
)
