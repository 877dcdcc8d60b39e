import type { Knex } from 'knex'
import type { AdminStore, EventDraft, SessionStore, UserRecord } from '../../src/ports/store.js'
import type { Run } from './dialect.js'
import type { SqlEngine } from './engine.js'
import type { WriteEvent } from './events.js'
import { integer, readUser } from './rows.js'
import type { ReadState } from './session-state.js'

type UserStore = Pick<SessionStore<Knex.Transaction>, 'readUser' | 'raiseVersion'> &
  Pick<AdminStore<Knex.Transaction>, 'suspend'>

/** Locks the user row until the transaction ends, making it when absent. */
export type LockUser = (run: Run, userId: string) => Promise<UserRecord>

export function createLockUser({ dialect, tables }: SqlEngine): LockUser {
  // Insert first: `select ... for update` of a missing row locks nothing, or on InnoDB a gap that two callers then
  // deadlock over.
  const insertUser = dialect.compile(
    `insert into ${tables.users} (user_id, token_version) values (?, 0) ${dialect.keepExistingUser}`,
  )
  const lockUser = dialect.compile(
    `select token_version, suspended_until from ${tables.users} where user_id = ? ${dialect.lockRow}`,
  )
  return async (run, userId) => {
    await run(insertUser, [userId])
    const { rows } = await run(lockUser, [userId])
    return readUser(rows[0]!)
  }
}

export function userMethods(
  { connections, dialect, tables }: SqlEngine,
  lockUser: LockUser,
  readState: ReadState,
  writeEvent: WriteEvent,
): UserStore {
  const selectUser = dialect.compile(`select token_version, suspended_until from ${tables.users} where user_id = ?`)
  const standingIndex = dialect.useIndex(tables.index('sessions_standing'))
  const countStanding = dialect.compile(
    `select count(*) from ${tables.sessions} ${standingIndex} where user_id = ? and token_version = ? and idle_expires_at > ?`,
  )
  const keepSession = dialect.compile(
    `update ${tables.sessions} set token_version = ? where user_id = ? and sid = ? and token_version = ? and idle_expires_at > ?`,
  )
  const raiseUser = dialect.compile(
    `update ${tables.users} set token_version = token_version + 1, dead_since = coalesce(dead_since, ?) where user_id = ?`,
  )
  const suspendUser = dialect.compile(`update ${tables.users} set suspended_until = ? where user_id = ?`)

  return {
    readUser: (userId, scope) =>
      connections.use(scope, async (run) => {
        const { rows } = await run(selectUser, [userId])
        return rows[0] === undefined ? { tokenVersion: 0, suspendedUntil: null } : readUser(rows[0])
      }),

    raiseVersion: (userId, { keepSid, onlyWhile }, event: EventDraft, scope) =>
      connections.transact(scope, async (run) => {
        const { tokenVersion: old } = await lockUser(run, userId)
        if (onlyWhile !== null && (await readState(run, { userId, sid: onlyWhile }, event.at)) !== 'standing')
          return null
        const tokenVersion = old + 1
        const standing = integer((await run(countStanding, [userId, old, event.at])).rows[0]?.[0])
        // The user first: an app that commits although a later statement failed must have ended too much, not too little.
        await run(raiseUser, [standing > 0 ? event.at : null, userId])
        const kept =
          keepSid === null ? 0 : (await run(keepSession, [tokenVersion, userId, keepSid, old, event.at])).changed
        const revoked = standing - kept
        await writeEvent(run, { ...event, tokenVersion })
        return { tokenVersion, revoked }
      }),

    suspend: (userId, until, event, scope) =>
      connections.transact(scope, async (run) => {
        await lockUser(run, userId)
        await run(suspendUser, [until, userId])
        await writeEvent(run, { ...event, tokenVersion: null })
      }),
  }
}
