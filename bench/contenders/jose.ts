import { jwtVerify } from 'jose'
import type { Database } from '../databases.js'
import { keyOf } from '../fill.js'
import { prepareRaw } from '../raw-drivers.js'
import { audience, issuer, secret, type as typ, type Sample } from '../tokens.js'
import type { Contender, OpenContender } from './contender.js'

/** What the lookups by hand read; less than rollcall does. */
const columns = ['s.token_version', 's.jti', 's.idle_expires_at', 'u.token_version', 'u.suspended_until'] as const
const [tokenVersion, jti, idleExpiresAt, userVersion, suspendedUntil] = columns
const named = columns.map((column, index) => `${column} as c${index}`)

export const lookupSql: string = `select ${named.join(', ')} from rollcall_sessions s
   join rollcall_users u on u.user_id = s.user_id where s.user_id = ? and s.sid = ?`

/** The driver's prepared statement after jose. */
export const openRawDriver: OpenContender = async (database, sample) => {
  const statement = prepareRaw(database, lookupSql)
  return {
    ...withJose(database, sample, async ({ userId, sid }) => (await statement.run([userId, sid]))[0]),
    name: 'raw driver + jose',
    close: () => statement.close(),
  }
}

/** Knex's query builder after jose, on the pool that rollcall uses, too. */
export const openKnexBuilder: OpenContender = async (database, sample) => ({
  ...withJose(database, sample, ({ userId, sid }) =>
    database
      .knex('rollcall_sessions as s')
      .join('rollcall_users as u', 'u.user_id', 's.user_id')
      .where({ 's.user_id': userId, 's.sid': sid })
      .first(...named),
  ),
  name: 'Knex builder + jose',
  close: async () => {},
})

export interface TokenClaims {
  readonly userId: string
  readonly sid: string
}

/** Ends a session of the tables that these share with rollcall. */
export function endRow({ knex }: Database, { roll, sessions }: Sample): (place: number) => Promise<void> {
  return async (place) => {
    const { userId, sid } = keyOf(roll, sessions[place]!)
    await knex('rollcall_sessions').where({ user_id: userId, sid }).delete()
  }
}

function withJose(
  database: Database,
  sample: Sample,
  find: (key: TokenClaims) => Promise<unknown>,
): Omit<Contender, 'name' | 'close'> {
  // As a CryptoKey, since jose would convert another key at every call.
  const algorithm = { name: 'HMAC', hash: 'SHA-256' }
  const importing = crypto.subtle.importKey('raw', Buffer.from(secret), algorithm, false, ['verify'])
  const options = { algorithms: ['HS256'], issuer, audience, typ }
  return {
    isStrict: true,
    async check(place) {
      const { payload } = await jwtVerify(sample.tokens[place]!, await importing, options)
      const row = await find({ userId: payload.sub!, sid: payload['sid'] as string })
      return stands(row, payload.jti!) ? payload.sub! : null
    },
    end: endRow(database, sample),
  }
}

/** The row as an object or a list of cells. */
export function stands(row: unknown, tokenJti: string): boolean {
  if (row === undefined || row === null) return false
  const cells = Array.isArray(row) ? (row as unknown[]) : Object.values(row)
  const cell = (column: (typeof columns)[number]): unknown => cells[columns.indexOf(column)]
  const now = Date.now()
  return (
    String(cell(jti)) === tokenJti &&
    Number(cell(tokenVersion)) === Number(cell(userVersion)) &&
    Number(cell(idleExpiresAt)) > now &&
    !(Number(cell(suspendedUntil)) > now)
  )
}
