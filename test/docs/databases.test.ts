import { randomBytes } from 'node:crypto'
import type { Knex } from 'knex'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { migrate, status } from '../../adapters/sql/migrate.js'
import { createDatabase, storeFor, type TestDatabase } from '../support/databases.js'
import { describeSql, type SqlSessions } from '../support/sql-stage.js'
import { openPage, type OpenPage } from './open-page.js'
import { readPage } from './read-page.js'

const dialects = { postgres: 'postgres', mariadb: 'mysql', mysql: 'mysql', sqlite: 'sqlite' }
const configurations = ['postgres.ts', 'mysql.ts', 'sqlite.ts']

describeSql('docs/databases.md', (stage, engine) => {
  const own = `${dialects[engine]}.ts`
  const statements = readPage('docs/databases.md')
    .blocks.filter(({ language, words }) => language === 'sql' && (words[0] ?? dialects[engine]) === dialects[engine])
    .flatMap(({ code }) => code.split(/;\n/).filter((statement) => statement.trim() !== ''))
  const grants = statements.filter((statement) => statement.startsWith('grant '))
  const queries = statements.filter((statement) => !statement.startsWith('grant '))

  let database: TestDatabase
  let page: OpenPage
  let knex: Knex
  let sessions: SqlSessions

  beforeAll(async () => {
    database = await createDatabase(engine)
    process.env['DATABASE_URL'] = database.url
    process.env['DATABASE_FILE'] = database.url.replace('sqlite:', '')
    page = await openPage('docs/databases.md', {
      'database.ts': `export { knex } from './${own.replace('.ts', '.js')}'\n`,
    })
    const loaded = await page.load<{ knex: Knex; store: ReturnType<typeof storeFor> }>(own)
    knex = loaded.knex
    sessions = stage().sessionsOver(knex, { store: loaded.store })
  })
  afterAll(async () => {
    await sessions.close()
    await knex.destroy()
    await page.close([...configurations.filter((file) => file !== own), 'my-store.test.ts'])
    await database.drop()
  })

  test('its migrations run, and under another prefix, too', async () => {
    const { applied, sql, newSteps, undo } = await page.load<{
      applied: string[]
      sql: string
      newSteps: string
      undo(): Promise<string[]>
    }>('migrate.ts')
    expect(applied).toEqual(['0001_sessions', '0002_refresh_tokens'])
    expect(sql.endsWith(newSteps)).toBe(true)
    expect(newSteps).not.toMatch(/create table/)
    await page.load('page.ts')
    expect((await status(knex, { prefix: 'auth_' }))[0]?.appliedAt).toBeInstanceOf(Date)
    expect(await undo()).toEqual(['0002_refresh_tokens'])
    await migrate(knex)
  })

  test('its store does the main job', async () => {
    await runMainJob(sessions)
  })

  test('its queries run, and tell why alice was logged out', async () => {
    const { session } = await sessions.create({ userId: 'alice', device: { name: 'Phone' } })
    await sessions.create({ userId: 'alice', device: { name: 'Tablet' } })
    await sessions.revoke('alice', session.sid, { reason: 'lost phone', actor: 'support' })
    const answers: unknown[][] = []
    for (const query of queries) answers.push(rowsOf(await knex.raw(query.replaceAll('?', '\\?'))))
    expect(answers.flat()).toContainEqual(
      expect.objectContaining({ type: 'session_revoked', sid: session.sid, reason: 'lost phone', actor: 'support' }),
    )
    if (dialects[engine] === 'mysql')
      expect(answers.flat()).toContainEqual(expect.objectContaining({ user_id: 'alice', device: 'Tablet' }))
    expect(await sessions.list('alice')).toEqual([])
  })

  test.skipIf(engine === 'sqlite')('its rights are enough for all but migrate (SQLite has none)', async () => {
    const name = `rollcall_${randomBytes(6).toString('hex')}`
    const url = new URL(database.url)
    const schema = url.pathname.slice(1)
    const isPostgres = engine === 'postgres'
    await knex.raw(
      isPostgres ? `create role ${name} login password '${name}'` : `create user ${name} identified by '${name}'`,
    )
    url.username = name
    url.password = name
    const limited = database.knex({ connection: url.href })
    try {
      for (const grant of grants) await knex.raw(grant.replaceAll('my_app', name).replaceAll('my_database', schema))
      const app = stage().sessionsOver(limited, { store: storeFor(engine, limited) })
      await runMainJob(app)
      await app.suspend('dora')
      await app.rename('dora', 'sid', 'name')
      await app.prune()
      await app.close()
      expect((await status(limited))[0]?.appliedAt).toBeInstanceOf(Date)
      await expect(migrate(limited)).rejects.toThrow(/denied/)
    } finally {
      await limited.destroy()
      await knex.raw(isPostgres ? `drop owned by ${name}` : 'select 1')
      await knex.raw(isPostgres ? `drop role ${name}` : `drop user ${name}`)
    }
  })
})

async function runMainJob(sessions: SqlSessions): Promise<void> {
  const [one, two] = [await sessions.create({ userId: 'bob' }), await sessions.create({ userId: 'bob' })]
  await sessions.verify(one.accessToken)
  expect(await sessions.revoke('bob', one.session.sid)).toEqual({ revoked: 1 })
  await expect(sessions.verify(one.accessToken)).rejects.toMatchObject({ code: 'session_ended' })
  expect(await sessions.revokeAll('bob')).toMatchObject({ revoked: 1 })
  await expect(sessions.verify(two.accessToken)).rejects.toMatchObject({ code: 'session_ended' })
}

function rowsOf(answer: unknown): unknown[] {
  if (!Array.isArray(answer)) return (answer as { rows: unknown[] }).rows
  return Array.isArray(answer[0]) ? (answer[0] as unknown[]) : answer
}
