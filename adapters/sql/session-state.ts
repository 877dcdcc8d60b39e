import type { SessionKey } from '../../src/ports/store.js'
import type { Run } from './dialect.js'
import type { SqlEngine } from './engine.js'
import { text } from './rows.js'

/** What a row is before a write: `standing`, `expired`, `outdated`; `null` when this snapshot doesn't show it. */
export type ReadState = (run: Run, key: SessionKey, now: number) => Promise<string | null>

export function createReadState({ dialect, tables }: SqlEngine): ReadState {
  const selectState = dialect.compile(
    `select case when s.token_version <> u.token_version then 'outdated' when s.idle_expires_at <= ? then 'expired' else 'standing' end
     from ${tables.sessions} s join ${tables.users} u on u.user_id = s.user_id where s.user_id = ? and s.sid = ?`,
  )
  return async (run, { userId, sid }, now) => {
    const { rows } = await run(selectState, [now, userId, sid])
    return rows[0] === undefined ? null : text(rows[0][0])
  }
}
