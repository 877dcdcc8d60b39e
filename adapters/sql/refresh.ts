import type { RefreshStore } from '../../src/ports/store.js'
import type { SqlEngine } from './engine.js'
import {
  deviceColumns,
  readRefreshable,
  refreshTokenColumns,
  refreshTokenValues,
  rotationValues,
  standingColumns,
} from './rows.js'

export function refreshMethods({ connections, dialect, tables }: SqlEngine): RefreshStore {
  const columns = [...standingColumns, ...[...deviceColumns, ...refreshTokenColumns].map((name) => `s.${name}`)]
  const select = dialect.compile(
    `select ${columns.join(', ')} from ${tables.sessions} s join ${tables.users} u on u.user_id = s.user_id
     where s.user_id = ? and s.sid = ?`,
  )
  // The hash tells each generation from all others, so it alone is compared. A use that was noted since the row was read
  // changes no hash, and must not be undone: by a refresh that is none itself the session would end days too early.
  const compareAndSet = `update ${tables.sessions} set jti = ?, generation = ?, rotated_at = ?, used_at = ?, previous_jti = ?,
     refresh_hash = ?, refresh_salt = ?, refresh_secret_id = ?, user_agent = ?, ip = ?,
     last_seen_at = case when last_seen_at < ? then ? else last_seen_at end,
     idle_expires_at = case when idle_expires_at < ? then ? else idle_expires_at end
     where user_id = ? and sid = ? and refresh_hash = ?`
  const rotate = dialect.compile(compareAndSet)
  const rotateUnused = dialect.compile(`${compareAndSet} and used_at is null`)
  const markUsed = dialect.compile(
    `update ${tables.sessions} set used_at = ? where user_id = ? and sid = ? and jti = ? and used_at is null`,
  )

  return {
    readForRefresh: ({ userId, sid }, scope) =>
      connections.use(scope, async (run) => {
        const { rows } = await run(select, [userId, sid])
        return rows[0] === undefined ? null : readRefreshable(rows[0])
      }),

    // One statement, committed when it is answered. When the answer is lost it runs again, finds its own write, and
    // loses to it: the caller reads the row and hands out what was written.
    rotate: ({ userId, sid }, { hash, onlyUnused }, rotated, scope) =>
      connections.use(scope, async (run) => {
        const { changed } = await run(onlyUnused ? rotateUnused : rotate, [
          rotated.jti,
          ...rotationValues(rotated.rotation),
          ...refreshTokenValues(rotated.refreshToken),
          rotated.device.userAgent,
          rotated.device.ip,
          rotated.lastSeenAt,
          rotated.lastSeenAt,
          rotated.idleExpiresAt,
          rotated.idleExpiresAt,
          userId,
          sid,
          hash,
        ])
        return changed > 0
      }),

    markUsed: ({ userId, sid }, jti, at, scope) =>
      connections.use(scope, async (run) => {
        await run(markUsed, [at, userId, sid, jti])
      }),
  }
}
