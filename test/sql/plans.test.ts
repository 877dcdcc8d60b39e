import type { Knex } from 'knex'
import { beforeAll, expect, test } from 'vitest'
import { mysqlDialect } from '../../adapters/sql/mysql-dialect.js'
import { postgresDialect } from '../../adapters/sql/postgres-dialect.js'
import { sqliteDialect } from '../../adapters/sql/sqlite-dialect.js'
import { tableNames } from '../../adapters/sql/tables.js'
import { describeSql, type SqlStage } from '../support/sql-stage.js'

const sessionsPerUser = 400

/** Statements of the app's own making cost what they cost; ours are held to their plans on tables of some size. */
describeSql('on tables of some size', (stage, engine) => {
  beforeAll(async () => {
    const { knex, sessions } = stage()
    await sessions.create({ userId: 'crowd' })
    await multiply(stage(), 'crowd')
    // So many others that reading the whole table is never the cheapest plan.
    for (let count = 0; count < 20; count += 1) {
      await sessions.create({ userId: `neighbour-${count}` })
      await multiply(stage(), `neighbour-${count}`)
    }
    const users = Array.from({ length: 4_000 }, (_, index) => ({
      user_id: idOf(`user-${index}`, engine),
      token_version: 0,
    }))
    for (let start = 0; start < users.length; start += 200)
      await knex('rollcall_users').insert(users.slice(start, start + 200))
    await fillEvents(stage())
    if (engine === 'postgres') await knex.raw('vacuum analyze')
    else if (engine === 'sqlite') await knex.raw('analyze')
    else await knex.raw('analyze table rollcall_sessions, rollcall_users, rollcall_events')
  })

  test('the hot lookup finds its row by the primary key', async () => {
    const plan = await explain(
      stage(),
      "select s.jti from rollcall_sessions s join rollcall_users u on u.user_id = s.user_id where s.user_id = 'crowd' and s.sid = 'x'",
    )
    expect(plan).not.toMatch(/Seq Scan|SCAN |"ALL"/)
    expect(plan).toMatch(/rollcall_sessions_pkey|USING PRIMARY KEY|PRIMARY|const/)
  })

  test.each([2, 32])('a list of %i sessions is looked up one by one by the primary keys', async (count) => {
    const dialect = { postgres: postgresDialect, mariadb: mysqlDialect, mysql: mysqlDialect, sqlite: sqliteDialect }[
      engine
    ]
    const tables = tableNames('the test', undefined, dialect.quote)
    const source = dialect.manyKeys.source(tables, count)
    const list = `array[${Array<string>(count).fill("'crowd'").join(', ')}]`
    const plan = await explain(
      stage(),
      `select s.jti, u.token_version ${source.replaceAll('?', engine === 'postgres' ? list : "'crowd'")}`,
    )
    expect(plan).not.toMatch(/Seq Scan|SCAN [su]\b/)
    expect(plan.match(/rollcall_\w+_pkey|USING PRIMARY KEY|"type":"eq_ref"/g)).toHaveLength(2)
  })

  test('the count of revoked sessions is read from an index alone', async () => {
    const hint = engine === 'mysql' || engine === 'mariadb' ? 'force index (rollcall_sessions_standing)' : ''
    const plan = await explain(
      stage(),
      `select count(*) from rollcall_sessions ${hint} where user_id = 'crowd' and token_version = 0 and idle_expires_at > 5`,
    )
    expect(plan).toMatch(
      /Index Only Scan using rollcall_sessions_standing|COVERING INDEX rollcall_sessions_standing|rollcall_sessions_standing[^}]*Using index/,
    )
  })

  test('what is dead is found through an index', async () => {
    const plan = await explain(
      stage(),
      'select user_id, sid from rollcall_sessions where idle_expires_at <= 5 order by idle_expires_at limit 500',
    )
    expect(plan).toMatch(/rollcall_sessions_idle_expires_at/)
  })

  test.each(['neighbour-0', 'nobody'])('the last events of %s are found through their index', async (userId) => {
    const plan = await explain(
      stage(),
      `select seq, reason from rollcall_events where user_id = '${userId}' and seq < 9007199254740991 order by seq desc limit 100`,
    )
    expect(plan).toMatch(/rollcall_events_user/)
  })

  test(`logout everywhere of ${sessionsPerUser} sessions writes one user row and no session row`, async () => {
    const { knex, sessions } = stage()
    const before = await knex('rollcall_sessions')
      .where({ user_id: idOf('crowd', engine) })
      .orderBy('sid')
    expect(before).toHaveLength(sessionsPerUser)
    expect(await sessions.revokeAll('crowd')).toEqual({ revoked: sessionsPerUser, tokenVersion: 1 })
    const after = await knex('rollcall_sessions')
      .where({ user_id: idOf('crowd', engine) })
      .orderBy('sid')
    expect(after).toEqual(before)
    expect((await sessions.prune({ batchSize: 150 })).sessions).toBe(sessionsPerUser)
    const dead = await knex('rollcall_users').whereNotNull('dead_since')
    expect(dead).toEqual([])
  })

  test('logout of the others writes the kept session row alone', async () => {
    const { knex, sessions } = stage()
    const { session } = await sessions.create({ userId: 'kept' })
    await multiply(stage(), 'kept')
    const versions = async (): Promise<unknown> =>
      knex('rollcall_sessions')
        .select('token_version')
        .count('* as n')
        .where({ user_id: idOf('kept', engine) })
        .groupBy('token_version')
        .orderBy('token_version')
    await sessions.revokeOthers('kept', session.sid)
    const rows = (await versions()) as { token_version: unknown; n: unknown }[]
    expect(rows.map(({ token_version, n }) => [Number(token_version), Number(n)])).toEqual([
      [0, sessionsPerUser - 1],
      [1, 1],
    ])
  })
})

function idOf(userId: string, engine: string): string | Buffer {
  return engine === 'mysql' || engine === 'mariadb' ? Buffer.from(userId) : userId
}

/** Copies a user's one session until there are enough, in SQL, since logins one by one take long. */
async function multiply({ knex, engine }: SqlStage, userId: string): Promise<void> {
  const [row] = await knex('rollcall_sessions').where({ user_id: idOf(userId, engine) })
  const copies = Array.from({ length: sessionsPerUser - 1 }, (_, index) => ({
    ...row,
    sid: idOf(`copy-${index}`, engine),
  }))
  for (let start = 0; start < copies.length; start += 20)
    await knex('rollcall_sessions').insert(copies.slice(start, start + 20))
}

async function fillEvents({ knex, engine }: SqlStage): Promise<void> {
  const events = Array.from({ length: 4_000 }, (_, index) => ({
    event_id: idOf(`event-${index}`, engine),
    type: idOf('all_sessions_revoked', engine),
    user_id: idOf(`neighbour-${index % 20}`, engine),
    reason: idOf('logout everywhere', engine),
    at: Date.now(),
  }))
  for (let start = 0; start < events.length; start += 100)
    await knex('rollcall_events').insert(events.slice(start, start + 100))
}

async function explain({ knex, engine }: { knex: Knex; engine: string }, sql: string): Promise<string> {
  if (engine === 'postgres') return JSON.stringify(((await knex.raw(`explain ${sql}`)) as { rows: unknown }).rows)
  if (engine === 'sqlite') return JSON.stringify(await knex.raw(`explain query plan ${sql}`))
  const traditional = engine === 'mysql' ? 'explain format=traditional' : 'explain'
  return JSON.stringify(((await knex.raw(`${traditional} ${sql}`)) as unknown[])[0])
}
