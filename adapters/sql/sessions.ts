import type { Knex } from 'knex'
import type { SessionKey, SessionStore } from '../../src/ports/store.js'
import { isSuspended } from '../../src/standing.js'
import type { Run } from './dialect.js'
import type { SqlEngine } from './engine.js'
import type { WriteEvent } from './events.js'
import { deviceColumns, integer, recordColumns, recordValues } from './rows.js'
import type { LockUser } from './users.js'

type RowStore = Pick<SessionStore<Knex.Transaction>, 'insert' | 'remove' | 'touch' | 'rename'>

export function sessionMethods(
  { connections, dialect, tables }: SqlEngine,
  lockUser: LockUser,
  writeEvent: WriteEvent,
): RowStore {
  const columns = [...recordColumns, ...deviceColumns]
  const withUser = `from ${tables.sessions} s join ${tables.users} u on u.user_id = s.user_id`
  const insertSession = dialect.compile(
    `insert into ${tables.sessions} (${columns.join(', ')}) values (${columns.map(() => '?').join(', ')})`,
  )
  const isStanding = dialect.compile(
    `select case when s.token_version = u.token_version and s.idle_expires_at > ? then 1 else 0 end ${withUser} where s.user_id = ? and s.sid = ?`,
  )
  const deleteSession = dialect.compile(`delete from ${tables.sessions} where user_id = ? and sid = ?`)
  const touchSession = dialect.compile(
    `update ${tables.sessions} set last_seen_at = ?, idle_expires_at = ? where user_id = ? and sid = ? and last_seen_at < ?`,
  )
  const renameSession = dialect.compile(`update ${tables.sessions} set device_name = ? where user_id = ? and sid = ?`)

  /** Whether the row stood before a write; `null` when this snapshot (a caller's older one) doesn't show it. */
  async function readStood(run: Run, key: SessionKey, now: number): Promise<boolean | null> {
    const { rows } = await run(isStanding, [now, key.userId, key.sid])
    return rows[0] === undefined ? null : integer(rows[0][0]) === 1
  }

  return {
    insert: (session, expected, scope) =>
      connections.transact(scope, async (run) => {
        // The lock settles the race with a change of the version: whoever comes second sees the other's.
        const { tokenVersion, suspendedUntil } = await lockUser(run, session.userId)
        if (expected !== null && expected !== tokenVersion) return { outcome: 'moved' }
        if (isSuspended(suspendedUntil, session.createdAt)) return { outcome: 'suspended' }
        await run(insertSession, recordValues(session, tokenVersion))
        return { outcome: 'created', tokenVersion }
      }),

    remove: (key, event, scope) =>
      connections.transact(scope, async (run) => {
        const stood = await readStood(run, key, event.at)
        // Two logouts at once: the affected row belongs to one of them. The read before only tells a dead row from a
        // standing one; it decides nothing about the delete, which must reach a row that an old snapshot hides.
        const { changed } = await run(deleteSession, [key.userId, key.sid])
        const ended = changed > 0 && stood !== false
        if (ended) await writeEvent(run, { ...event, tokenVersion: null })
        return ended
      }),

    touch: (key, { lastSeenAt, idleExpiresAt, ifSeenBefore }, scope) =>
      connections.use(scope, async (run) => {
        await run(touchSession, [lastSeenAt, idleExpiresAt, key.userId, key.sid, ifSeenBefore])
      }),

    rename: (key, name, now, scope) =>
      connections.use(scope, async (run) => {
        const stood = await readStood(run, key, now)
        const { changed } = await run(renameSession, [name, key.userId, key.sid])
        // A name that is already there may count as no change.
        return stood ?? changed > 0
      }),
  }
}
