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
  // The hash tells each generation from all others, so it alone is compared.
  const compareAndSet = `update ${tables.sessions} set jti = ?, generation = ?, rotated_at = ?, used_at = ?, previous_jti = ?,
     refresh_hash = ?, refresh_salt = ?, refresh_secret_id = ?, last_seen_at = ?, idle_expires_at = ?, user_agent = ?, ip = ?
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
          rotated.lastSeenAt,
          rotated.idleExpiresAt,
          rotated.device.userAgent,
          rotated.device.ip,
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
