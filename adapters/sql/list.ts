import type { Knex } from 'knex'
import type { SessionStore } from '../../src/ports/store.js'
import type { SqlEngine } from './engine.js'
import { deviceColumns, readListed, recordColumns } from './rows.js'

export function listMethods({ connections, dialect, tables }: SqlEngine): Pick<SessionStore<Knex.Transaction>, 'list'> {
  const columns = [...recordColumns, ...deviceColumns].map((name) => `s.${name}`).join(', ')
  const listSessions = dialect.compile(
    `select ${columns} from ${tables.sessions} s join ${tables.users} u on u.user_id = s.user_id
     where s.user_id = ? and s.token_version = u.token_version and s.idle_expires_at > ?
       and (s.created_at < ? or (s.created_at = ? and s.sid < ?))
     order by s.created_at desc, s.sid desc limit ?`,
  )

  return {
    list: (userId, { now, limit, after }, scope) =>
      connections.use(scope, async (run) => {
        const createdAt = after?.createdAt ?? Number.MAX_SAFE_INTEGER
        const { rows } = await run(listSessions, [userId, now, createdAt, createdAt, after?.sid ?? '', limit])
        return rows.map(readListed)
      }),
  }
}
