import type { Knex } from 'knex'
import type mysql from 'mysql2'
import pg from 'pg'
import { expect, test } from 'vitest'
import { migrate } from '../../adapters/sql/migrate.js'
import { mysqlStore } from '../../adapters/sql/mysql.js'
import { postgresStore } from '../../adapters/sql/postgres.js'
import { codeOf } from '../conformance/harness.js'
import { storeFor } from '../support/databases.js'
import { connectionOf, runMainJob } from '../support/main-job.js'
import { describeSql } from '../support/sql-stage.js'

describeSql(
  'whatever pg is told',
  (stage) => {
    test.each([
      ['big integers as BigInt', (value: string) => BigInt(value)],
      ['big integers as numbers', Number],
      ['big integers that throw', () => expect.unreachable('the parser of the app was asked')],
    ])('type parsers for %s reach no row of ours (knex#387)', async (_, parser) => {
      const before = pg.types.getTypeParser(pg.types.builtins.INT8)
      pg.types.setTypeParser(pg.types.builtins.INT8, parser as (value: string) => never)
      try {
        await runMainJob(stage(), stage().database.knex())
      } finally {
        pg.types.setTypeParser(pg.types.builtins.INT8, before as (value: string) => never)
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
