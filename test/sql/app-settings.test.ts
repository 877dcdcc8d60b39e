import { createRequire } from 'node:module'
import knexFactory, { type Knex } from 'knex'
import { afterEach, describe, expect, test } from 'vitest'
import { migrate } from '../../adapters/sql/migrate.js'
import { mysqlStore } from '../../adapters/sql/mysql.js'
import { postgresStore } from '../../adapters/sql/postgres.js'
import { sqliteStore } from '../../adapters/sql/sqlite.js'
import { codeOf } from '../conformance/harness.js'
import { storeFor, type SqlEngineName } from '../support/databases.js'
import { connectionOf, runMainJob } from '../support/main-job.js'
import { describeSql, type SqlStage } from '../support/sql-stage.js'

describeSql("whatever the app's Knex instance is set to", (stage, engine) => {
  const toCamel = (text: string): string => text.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
  const toSnake = (text: string): string => text.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
  const mapRow = (row: unknown): unknown =>
    row !== null && typeof row === 'object' && !Array.isArray(row)
      ? Object.fromEntries(Object.entries(row).map(([name, value]) => [toCamel(name), value]))
      : row

  test('the main job holds with identifier mappers in both directions (lucia#1638)', async () => {
    const knex = stage().database.knex({
      wrapIdentifier: (value, wrap) => wrap(toSnake(value)),
      postProcessResponse: (response: unknown) => (Array.isArray(response) ? response.map(mapRow) : mapRow(response)),
    })
    expect(await migrate(knex)).toEqual([])
    await runMainJob(stage(), knex)
  })

  test('a server that cuts every result at twenty rows logs nobody out', async () => {
    if (engine !== 'mysql' && engine !== 'mariadb') return
    const afterCreate = (connection: { query(sql: string, done: () => void): void }, done: () => void): void =>
      connection.query('set sql_select_limit = 20', done)
    const sessions = stage().sessionsOver(stage().database.knex({ pool: { min: 0, max: 2, afterCreate } }))
    const logins = await Promise.all(
      Array.from({ length: 100 }, (_, index) => sessions.create({ userId: `cut-${index}` })),
    )
    // Signatures are known from then on, so that many are looked up together.
    for (const { accessToken } of logins) await sessions.verify(accessToken)
    const codes = await Promise.all(logins.map(({ accessToken }) => codeOf(sessions.verify(accessToken))))
    expect(new Set(codes)).toEqual(new Set(['accepted']))
  })

  test('the main job holds when a mapper swallows every response', async () => {
    await runMainJob(stage(), stage().database.knex({ postProcessResponse: () => null }))
  })

  test('the main job holds with another prefix, beside the first', async () => {
    const { knex, keys, engine, sessions } = stage()
    await migrate(knex, { prefix: 'Auth_2' })
    const other = stage().sessionsOver(knex, { store: storeFor(engine, knex, { prefix: 'Auth_2' }), keys })
    const { accessToken } = await other.create({ userId: 'prefixed' })
    expect(await codeOf(other.verify(accessToken))).toBe('accepted')
    expect(await codeOf(sessions.verify(accessToken))).toBe('session_ended')
  })

  test.each(['a-b', '1a', '', 'a"b', 'a`b', 'a;drop table x', 'x'.repeat(31), 'ä', null, 5])(
    'the prefix %j is a TypeError',
    (prefix) => {
      expect(() => storeFor(engine, stage().knex, { prefix: prefix as string })).toThrow(TypeError)
    },
  )

  test('the main job holds for a CommonJS app', async () => {
    const { default: fromModule } = await import('knex')
    const required = createRequire(import.meta.url)('knex') as typeof knexFactory
    for (const factory of [fromModule, required]) {
      const knex = factory(stage().database.config)
      await runMainJob(stage(), knex)
      await knex.destroy()
    }
  })

  test('a Knex instance of another engine, a transaction, and things that are not Knex are TypeErrors', async () => {
    const { knex } = stage()
    const stores = { postgres: postgresStore, mysql: mysqlStore, mariadb: mysqlStore, sqlite: sqliteStore }
    for (const [name, createStore] of Object.entries(stores)) {
      const fits = createStore === stores[engine as keyof typeof stores]
      if (!fits) expect(() => createStore(knex), name).toThrow(TypeError)
    }
    const transaction = await knex.transaction()
    expect(() => storeFor(engine, transaction)).toThrow(TypeError)
    await transaction.rollback()
    const twin = await stage().database.knex().transaction()
    await expect(stage().sessions.revokeAll('a', { transaction: twin })).rejects.toThrow('of the Knex instance')
    await twin.rollback()
    const client = { driverName: engine === 'postgres' ? 'mysql2' : 'pg' }
    const foreign = Object.assign(() => {}, { isTransaction: true, isCompleted: () => false, client }) as never
    await expect(stage().sessions.revokeAll('a', { transaction: foreign })).rejects.toBeInstanceOf(TypeError)
    for (const value of [null, undefined, {}, 'knex', () => {}])
      expect(() => storeFor(engine, value as Knex)).toThrow(TypeError)
  })

  describe('and wherever the process is', () => {
    const before = process.env['TZ']
    afterEach(() => {
      if (before === undefined) delete process.env['TZ']
      else process.env['TZ'] = before
    })

    // Both switches of London's clocks in 2030: an hour that is skipped, an hour that comes twice.
    const moments = ['2030-03-31T00:30:00Z', '2030-03-31T01:30:00Z', '2030-10-27T00:30:00Z', '2030-10-27T01:30:00Z']

    test.each(['UTC', 'Europe/London', 'America/St_Johns', 'Asia/Kathmandu', 'Pacific/Kiritimati'])(
      'a session of 30 minutes lives 30 minutes in %s (connect-session-knex#51)',
      async (zone) => {
        process.env['TZ'] = zone
        const knex = stage().database.knex(zoned(engine, stage(), '+05:30'))
        for (const moment of moments) {
          let now = Date.parse(moment)
          const clock = { wall: () => now, mono: () => 0, after: () => () => {} }
          const sessions = stage().sessionsOver(knex, { clock, clockTolerance: 0 })
          const { accessToken } = await sessions.create({
            userId: `zone-${zone}`,
            lifetime: '30m',
            idleLifetime: '30m',
          })
          now += 30 * 60_000 - 1
          expect(await codeOf(sessions.verify(accessToken))).toBe('accepted')
          now += 1
          expect(await codeOf(sessions.verify(accessToken))).toBe('session_expired')
        }
      },
    )
  })
})

/** A database session in another zone than the process, and a driver told a third. */
function zoned(engine: SqlEngineName, stage: SqlStage, zone: string): Partial<Knex.Config> {
  if (engine === 'sqlite') return {}
  const sql = engine === 'postgres' ? "set time zone 'Asia/Tokyo'" : `set time_zone = '-03:30'`
  return {
    connection: connectionOf(stage, engine === 'postgres' ? {} : { timezone: zone }),
    pool: {
      min: 0,
      max: 3,
      afterCreate: (connection: { query(sql: string, done: unknown): void }, done: unknown) =>
        connection.query(sql, done),
    },
  }
}
