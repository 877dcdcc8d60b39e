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

/** The key of one of the sessions that `fill` writes. */
export function keyOf({ users }: Roll, session: number): Key {
  return { userId: `user-${session % users}`, sid: `sid-of-22-bytes${firstNumber + session}` }
}

/** So that all numbers have as many digits. */
const firstNumber = 10_000_000

/** Lets the store write one session, and copies its rows within the database: the cells are those the store writes. */
export async function fill({ engine, knex, store }: Database, roll: Roll): Promise<void> {
  const now = Date.now()
  const day = 86_400_000
  const template = {
    userId: 'template',
    sid: 'template',
    jti: 'template',
    audience: ['https://api.example.com'],
    device: { name: null, kind: 'desktop' as const, userAgent: 'Mozilla/5.0 (X11; Linux x86_64)', ip: '192.0.2.1' },
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
  await store.insert(template, null, {})
  const user = `concat('user-', n % ${roll.users})`
  await copy(knex, 'rollcall_users', roll.users, { user_id: user })
  await copy(knex, 'rollcall_sessions', roll.sessions, {
    user_id: user,
    sid: `concat('sid-of-22-bytes', ${firstNumber} + n)`,
    jti: `concat('jti-of-22-bytes', ${firstNumber} + n)`,
  })
  await knex.raw(settle[engine])
}

/** Leaves the server nothing to do in the background of the measurements. */
const settle: Readonly<Record<Database['engine'], string>> = {
  postgres: 'vacuum analyze',
  mariadb: 'analyze table rollcall_users, rollcall_sessions',
  mysql: 'analyze table rollcall_users, rollcall_sessions',
  sqlite: 'analyze',
}

async function copy(knex: Knex, table: string, count: number, changes: Record<string, string>): Promise<void> {
  const columns = Object.keys(await knex(table).columnInfo())
  const cells = columns.map((column) => changes[column] ?? `t.${column}`)
  await knex.raw(
    `insert into ${table} (${columns.join(', ')})
     select ${cells.join(', ')} from ${table} t cross join (${numbers(count)}) numbers where t.user_id = 'template'`,
  )
}

/** A query of the numbers below `count`, as column `n`, that every engine takes. */
function numbers(count: number): string {
  const digits = Array.from({ length: 10 }, (_, digit) => `select ${digit} as digit`).join(' union all ')
  const places = Array.from({ length: String(count - 1).length }, (_, place) => place)
  const number = places.map((place) => `${10 ** place} * d${place}.digit`).join(' + ')
  const tables = places.map((place) => `(${digits}) d${place}`).join(' cross join ')
  return `select n from (select ${number} as n from ${tables}) counted where n < ${count}`
}
