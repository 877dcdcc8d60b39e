import { createRequire } from 'node:module'
import knexFactory, { type Knex } from 'knex'
import mysql from 'mysql2'
import pg from 'pg'
import { afterEach, describe, expect, test } from 'vitest'
import { migrate } from '../../adapters/sql/migrate.js'
import { mysqlStore } from '../../adapters/sql/mysql.js'
import { postgresStore } from '../../adapters/sql/postgres.js'
import { sqliteStore } from '../../adapters/sql/sqlite.js'
import { codeOf } from '../conformance/harness.js'
import { storeFor, type SqlEngineName } from '../support/databases.js'
import { describeSql, type SqlStage } from '../support/sql-stage.js'

let runs = 0

/** The main job over a Knex instance of the app's making; every column is written and read on the way. */
async function runMainJob(stage: SqlStage, knex: Knex): Promise<void> {
  const sessions = stage.sessionsOver(knex)
  for (const userId of [`Ålice ${(runs += 1)} `, `o'\\brien"${(runs += 1)}`, 2n ** 53n + BigInt((runs += 1))]) {
    const device = { name: 'Phone \u{1F600}', userAgent: 'curl/8 \\', ip: '::1' }
    const mine = await sessions.create({ userId, device, amr: ['pwd', 'otp'], acr: 'höher' })
    const [second, third] = [await sessions.create({ userId }), await sessions.create({ userId })]
    const verified = await sessions.verify(mine.accessToken)
    expect(verified).toMatchObject({ userId: String(userId), amr: ['pwd', 'otp'], acr: 'höher' })
    expect(await sessions.rename(userId, mine.session.sid, 'Büro')).toEqual({ renamed: 1 })
    expect(await sessions.revoke(userId, second.session.sid)).toEqual({ revoked: 1 })
    expect(await codeOf(sessions.verify(second.accessToken))).toBe('session_ended')
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
function connectionOf({ database }: SqlStage, settings: object): Knex.StaticConnectionConfig {
  const url = new URL(database.url)
  const { hostname: host, port, username: user } = url
  return { host, port: Number(port), user, database: url.pathname.slice(1), ...settings }
}

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
          const clock = { wall: () => now, after: () => () => {} }
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

describeSql(
  'whatever pg is told',
  (stage) => {
    test.each([
      ['big integers as BigInt', 20, (value: string) => BigInt(value)],
      ['big integers as numbers', 20, Number],
      ['big integers that throw', 20, () => expect.unreachable('the parser of the app was asked')],
    ])('type parsers for %s reach no row of ours (knex#387)', async (_, oid, parser) => {
      const before = pg.types.getTypeParser(oid)
      pg.types.setTypeParser(oid, parser as (value: string) => never)
      try {
        await runMainJob(stage(), stage().database.knex())
      } finally {
        pg.types.setTypeParser(oid, before as (value: string) => never)
      }
    })

    test('a schema other than the search path is used', async () => {
      const { knex, database } = stage()
      await knex.raw('create schema elsewhere')
      await migrate(knex, { schema: 'elsewhere' })
      const sessions = stage().sessionsOver(knex, { store: postgresStore(knex, { schema: 'elsewhere' }) })
      const { accessToken } = await sessions.create({ userId: 'schema' })
      expect(await codeOf(sessions.verify(accessToken))).toBe('accepted')
      const { rows } = (await knex.raw('select count(*)::int as n from elsewhere.rollcall_sessions')) as {
        rows: unknown[]
      }
      expect(rows).toEqual([{ n: 1 }])
      await runMainJob(stage(), database.knex({ searchPath: ['public'] }))
    })

    test('transactions serializable by default lose no session and invent none', async () => {
      const knex = stage().database.knex({
        connection: connectionOf(stage(), { options: '-c default_transaction_isolation=serializable' }),
      })
      await runMainJob(stage(), knex)
      const sessions = stage().sessionsOver(knex)
      const logins = await Promise.all(Array.from({ length: 4 }, () => sessions.create({ userId: 'serializable' })))
      expect(await sessions.list('serializable')).toHaveLength(logins.length)
    })
  },
  ['postgres'],
)

describeSql(
  'whatever mysql2 and the server are told',
  (stage) => {
    test.each([
      ['no modes', ''],
      ['NO_BACKSLASH_ESCAPES', 'NO_BACKSLASH_ESCAPES'],
      ['ANSI_QUOTES', 'ANSI_QUOTES'],
      ['PAD_CHAR_TO_FULL_LENGTH and PIPES_AS_CONCAT', 'PIPES_AS_CONCAT'],
      ['the traditional modes', 'TRADITIONAL'],
    ])('the main job holds with sql_mode set to %s', async (_, mode) => {
      const pool = {
        min: 0,
        max: 3,
        afterCreate: (connection: mysql.Connection, done: () => void) =>
          connection.query(`set sql_mode = '${mode}'`, done),
      }
      await runMainJob(stage(), stage().database.knex({ pool }))
    })

    test.each([
      ['a latin1 connection', { charset: 'latin1' }],
      ['a utf8mb4 connection that ignores case and accents', { charset: 'utf8mb4_general_ci' }],
      ['big numbers as strings', { supportBigNumbers: true, bigNumberStrings: true }],
      ['dates as strings', { dateStrings: true }],
      ['a typeCast of its own', { typeCast: () => 'cast' }],
      ['named placeholders', { namedPlaceholders: true }],
      ['affected rows counted as changed rows', { flags: ['-FOUND_ROWS'] }],
      ['rows as arrays', { rowsAsArray: true }],
    ])('the main job holds with %s', async (_, settings) => {
      await runMainJob(stage(), stage().database.knex({ connection: connectionOf(stage(), settings) }))
    })

    test('another database than the default one is used', async () => {
      const { knex, database } = stage()
      const name = `${new URL(database.url).pathname.slice(1, 30)}_x`
      await knex.raw(`create database ${name}`)
      try {
        await migrate(knex, { schema: name })
        const sessions = stage().sessionsOver(knex, { store: mysqlStore(knex, { schema: name }) })
        const { accessToken } = await sessions.create({ userId: 'schema' })
        expect(await codeOf(sessions.verify(accessToken))).toBe('accepted')
      } finally {
        await knex.raw(`drop database ${name}`)
      }
    })

    test('the connections prepare few statements (mysql2 keeps 16,000)', async () => {
      const { database, sessionsOver } = stage()
      const knex = database.knex({ pool: { min: 0, max: 1 } })
      await runMainJob(stage(), knex)
      const [rows] = (await knex.raw("show session status like 'Com_stmt_prepare'")) as [{ Value: string }[]]
      expect(Number(rows[0]!.Value)).toBeLessThan(40)
      await sessionsOver(knex).close()
    })
  },
  ['mariadb', 'mysql'],
)

describeSql(
  'whatever better-sqlite3 is told',
  (stage) => {
    test('the main job holds with big integers by default', async () => {
      const { database } = stage()
      const { filename } = database.config.connection as { filename: string }
      await runMainJob(
        stage(),
        database.knex({
          connection: { filename, options: { safeIntegers: true } } as Knex.Config['connection'] & object,
        }),
      )
    })

    test('the main job holds in WAL mode', async () => {
      const knex = stage().database.knex()
      await knex.raw('pragma journal_mode = wal')
      await runMainJob(stage(), knex)
    })

    test('a schema is a TypeError', () => {
      expect(() => storeFor('sqlite', stage().knex, { schema: 'main' })).toThrow(TypeError)
    })
  },
  ['sqlite'],
)
