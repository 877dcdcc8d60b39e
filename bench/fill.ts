import type { Knex } from 'knex'
import type { Database } from './databases.js'

export interface Key {
  readonly userId: string
  readonly sid: string
}

export interface Roll {
  readonly users: number
  readonly sessions: number
}

/** What the sessions that `fill` writes are for. */
export const audience = 'https://api.example.com'

/** The key of one of the sessions that `fill` writes. */
export function keyOf({ users, sessions }: Roll, session: number): Key {
  const first = session - (session % (sessions / users))
  return { userId: `user-${firstNumber + first}`, sid: `sid-of-22-bytes${firstNumber + session}` }
}

export function jtiOf(session: number): string {
  return `jti-of-22-bytes${firstNumber + session}`
}

/** So that all numbers have as many digits. */
const firstNumber = 10_000_000
const day = 86_400_000
/** Rows of one insert. */
const chunk = 1_000_000

/** Lets the store write one session, and copies its rows within the database: the cells are those the store writes. */
export async function fill(database: Database, roll: Roll): Promise<void> {
  const { knex, store } = database
  await store.insert(makeTemplate(Date.now()), null, {})
  const perUser = roll.sessions / roll.users
  await copyTemplate(knex, 'rollcall_users', roll.users, {
    user_id: `concat('user-', ${firstNumber} + n * ${perUser})`,
  })
  await copyTemplate(knex, 'rollcall_sessions', roll.sessions, {
    user_id: userOf('n', perUser),
    sid: `concat('sid-of-22-bytes', ${firstNumber} + n)`,
    jti: `concat('jti-of-22-bytes', ${firstNumber} + n)`,
    idle_expires_at: 't.idle_expires_at + n',
  })
  await settle(database)
}

/** Adds sessions of the same users that nobody has used for long. */
export async function fillDead(database: Database, roll: Roll, count: number): Promise<void> {
  await copyTemplate(database.knex, 'rollcall_sessions', count, {
    user_id: userOf(`n % ${roll.sessions}`, roll.sessions / roll.users),
    sid: `concat('dead-sid-bytes-', ${firstNumber} + n)`,
    idle_expires_at: `t.last_seen_at - ${day} + n`,
  })
  await settle(database)
}

/** Adds users `name-0`, `name-1`, ... with as many sessions each. */
export async function fillUsers(database: Database, name: string, users: number, perUser: number): Promise<void> {
  const { knex } = database
  await copyTemplate(knex, 'rollcall_users', users, { user_id: `concat('${name}-', n)` })
  for (let user = 0; user < users; user += 1) {
    await copyTemplate(knex, 'rollcall_sessions', perUser, { user_id: `'${name}-${user}'`, sid: `concat('sid-', n)` })
  }
  await settle(database)
}

function userOf(session: string, perUser: number): string {
  return `concat('user-', ${firstNumber} + ${session} - ${session} % ${perUser})`
}

function makeTemplate(now: number): Parameters<Database['store']['insert']>[0] {
  return {
    userId: 'template',
    sid: 'template',
    jti: 'template',
    audience: [audience],
    device: { name: null, kind: 'desktop', userAgent: 'Mozilla/5.0 (X11; Linux x86_64)', ip: '192.0.2.1' },
    createdAt: now,
    authenticatedAt: now,
    amr: ['pwd'],
    acr: null,
    lastSeenAt: now,
    idleLifetime: 14 * day,
    idleExpiresAt: now + 14 * day,
    expiresAt: now + 90 * day,
    // Of a refreshable session, so that all columns are read.
    rotation: { generation: 1, rotatedAt: now, usedAt: now, previousJti: 'jti-of-22-bytes-previous' },
    refreshToken: { hash: 'h'.repeat(43), salt: 's'.repeat(43), secretId: 'secret-id-12' },
  }
}

/** Leaves the server nothing to do in the background of the measurements. */
const settling: Readonly<Record<Database['engine'], string>> = {
  postgres: 'vacuum analyze',
  mariadb: 'analyze table rollcall_users, rollcall_sessions',
  mysql: 'analyze table rollcall_users, rollcall_sessions',
  sqlite: 'analyze',
}

async function settle({ knex, engine }: Database): Promise<void> {
  await knex.raw(settling[engine])
  if (engine === 'postgres') await knex.raw('checkpoint')
}

async function copyTemplate(knex: Knex, table: string, count: number, changes: Record<string, string>): Promise<void> {
  const columns = Object.keys(await knex(table).columnInfo())
  const cells = columns.map((column) => changes[column] ?? `t.${column}`)
  for (let start = 0; start < count; start += chunk) {
    await knex.raw(
      `insert into ${table} (${columns.join(', ')})
       select ${cells.join(', ')} from ${table} t cross join (${numbers(start, Math.min(count, start + chunk))}) numbers
       where t.user_id = 'template' order by n`,
    )
  }
}

/** A query of the numbers from `start` to below `end`, as column `n`, that every engine takes. */
function numbers(start: number, end: number): string {
  const digits = Array.from({ length: 10 }, (_, digit) => `select ${digit} as digit`).join(' union all ')
  const places = Array.from({ length: String(end - start - 1).length }, (_, place) => place)
  const number = places.map((place) => `${10 ** place} * d${place}.digit`).join(' + ')
  const tables = places.map((place) => `(${digits}) d${place}`).join(' cross join ')
  return `select n from (select ${start} + ${number} as n from ${tables}) counted where n < ${end}`
}
