import type { Knex } from 'knex'
import type { SessionStore } from '../../src/ports/store.js'
import { isSuspended } from '../../src/standing.js'
import type { SqlEngine } from './engine.js'
import type { WriteEvent } from './events.js'
import { deviceColumns, recordColumns, recordValues, refreshTokenColumns } from './rows.js'
import type { ReadState } from './session-state.js'
import { compileForKeys, runForKeys } from './keys.js'
import type { LockUser } from './users.js'

type RowStore = Pick<SessionStore<Knex.Transaction>, 'insert' | 'remove' | 'touch' | 'rename'>

export function sessionMethods(
  { connections, dialect, tables }: SqlEngine,
  lockUser: LockUser,
  readState: ReadState,
  writeEvent: WriteEvent,
): RowStore {
  const columns = [...recordColumns, ...deviceColumns, ...refreshTokenColumns]
  const insertSession = dialect.compile(
    `insert into ${tables.sessions} (${columns.join(', ')}) values (${columns.map(() => '?').join(', ')})`,
  )
  const deleteSession = dialect.compile(`delete from ${tables.sessions} where user_id = ? and sid = ?`)
  const touchSessions = compileForKeys(
    dialect,
    (keys) => `update ${tables.sessions} set last_seen_at = ?,
       idle_expires_at = case when ? + idle_lifetime < expires_at then ? + idle_lifetime else expires_at end
       where (${keys}) and last_seen_at < ? - case when idle_lifetime < ? then idle_lifetime / 10 else ? end`,
  )
  const renameSession = dialect.compile(`update ${tables.sessions} set device_name = ? where user_id = ? and sid = ?`)

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
        const state = await readState(run, key, event.at)
        // Two logouts at once: the affected row belongs to one of them. The read before only tells a dead row from a
        // standing one; it decides nothing about the delete, which must reach a row that an old snapshot hides.
        const { changed } = await run(deleteSession, [key.userId, key.sid])
        // An older snapshot of the caller's may miss the last use of the session; a version once passed never comes back.
        const isExpired = state === 'expired' && scope.transaction === undefined
        const ended = changed > 0 && state !== 'outdated' && !isExpired
        if (ended) await writeEvent(run, { ...event, tokenVersion: null })
        return ended
      }),

    touch: (keys, { at, interval }, scope) =>
      connections.use(scope, async (run) => {
        await runForKeys(run, touchSessions, keys, { before: [at, at, at], after: [at, 10 * interval, interval] })
      }),

    rename: (key, name, now, scope) =>
      connections.use(scope, async (run) => {
        const state = await readState(run, key, now)
        const { changed } = await run(renameSession, [name, key.userId, key.sid])
        // A name that is already there may count as no change.
        return state === null ? changed > 0 : state === 'standing'
      }),
  }
}
