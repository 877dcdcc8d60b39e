import { randomBytes } from 'node:crypto'
import pg from 'pg'
import type { Database } from '../databases.js'
import type { Variant } from '../rounds.js'

export interface RawRevokes extends Pick<Variant, 'operate'> {
  close(): Promise<void>
}

const channel = 'bench'
const insertUser = 'insert into rollcall_users (user_id, token_version) values ($1, 0) on conflict (user_id) do nothing'
const lockUser = 'select token_version, suspended_until from rollcall_users where user_id = $1 for update'
const countStanding =
  'select count(*) from rollcall_sessions where user_id = $1 and token_version = $2 and idle_expires_at > $3'
const raiseUser =
  'update rollcall_users set token_version = token_version + 1, dead_since = coalesce(dead_since, $1) where user_id = $2'
const insertEvent = `insert into rollcall_events (event_id, type, user_id, sid, token_version, reason, actor, at)
   values ($1, 'all_sessions_revoked', $2, null, $3, 'logout everywhere', null, $4)`

/**
 * The statements of `revokeAll` through the driver. With `notifies`, a NOTIFY in the same transaction: with the last
 * statement, so that it is no way to the server more.
 */
export async function openRawRevokes(
  { location, poolSize }: Database,
  nextUser: () => string,
  notifies: boolean,
): Promise<RawRevokes> {
  const pool = new pg.Pool({ connectionString: location, max: poolSize })
  const listener = notifies ? await openListener(location) : null
  const lastStatement = notifies ? `${insertEvent} returning pg_notify('${channel}', 'look')` : insertEvent

  async function revokeAll(client: pg.PoolClient, userId: string): Promise<void> {
    const at = Date.now()
    await client.query('begin')
    await client.query(insertUser, [userId])
    const user = await client.query<{ token_version: string }>(lockUser, [userId])
    const version = Number(user.rows[0]!.token_version)
    const standing = await client.query<{ count: string }>(countStanding, [userId, version, at])
    await client.query(raiseUser, [Number(standing.rows[0]!.count) > 0 ? at : null, userId])
    await client.query(lastStatement, [randomBytes(17).toString('hex'), userId, version + 1, at])
    await client.query('commit')
  }

  return {
    async operate() {
      const client = await pool.connect()
      try {
        await revokeAll(client, nextUser())
      } finally {
        client.release()
      }
    },
    async close() {
      await pool.end()
      if ((await listener?.close()) === 0) throw new Error('no message was heard')
    },
  }
}

/** Answers in the end how many messages it heard. */
async function openListener(connectionString: string): Promise<{ close(): Promise<number> }> {
  const client = new pg.Client({ connectionString })
  let heard = 0
  client.on('notification', () => (heard += 1))
  await client.connect()
  await client.query(`listen ${channel}`)
  return {
    async close() {
      await client.end()
      return heard
    },
  }
}
