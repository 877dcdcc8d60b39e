import type { Knex } from 'knex'
import type { AdminStore } from '../../src/ports/store.js'
import type { Cell, Run } from './dialect.js'
import type { SqlEngine } from './engine.js'
import { compileForKeys, runForKeys, type ForKeys } from './keys.js'
import { integer, text } from './rows.js'

/**
 * Deletes by primary key only: a range delete on InnoDB would lock the gaps that logins insert into. What is dead is
 * found through indexes, in reads that lock nothing.
 */
export function pruneMethods({
  connections,
  dialect,
  tables,
}: SqlEngine): Pick<AdminStore<Knex.Transaction>, 'pruneBatch'> {
  const { users, sessions, events } = tables
  const statements = {
    expired: dialect.compile(
      `select user_id, sid from ${sessions} where idle_expires_at <= ? order by idle_expires_at limit ?`,
    ),
    deleteExpired: compileForKeys(
      dialect,
      (keys) => `delete from ${sessions} where (${keys}) and idle_expires_at <= ?`,
    ),
    outdated: dialect.compile(
      `select s.user_id, s.sid from ${users} u join ${sessions} s on s.user_id = u.user_id and s.token_version < u.token_version
       where u.dead_since is not null order by u.dead_since limit ?`,
    ),
    deleteOutdated: compileForKeys(dialect, (keys) => `delete from ${sessions} where ${keys}`),
    clean: dialect.compile(
      `select u.user_id, u.token_version from ${users} u where u.dead_since is not null and not exists
         (select 1 from ${sessions} s where s.user_id = u.user_id and s.token_version < u.token_version)
       order by u.dead_since limit ?`,
    ),
    markClean: dialect.compile(`update ${users} set dead_since = null where user_id = ? and token_version = ?`),
    events: dialect.compile(`select seq, at from ${events} order by seq limit ?`),
    deleteEvents: dialect.compile(`delete from ${events} where seq between ? and ? and at < ?`),
  }

  return {
    pruneBatch: ({ now, eventsBefore, batchSize }, scope) =>
      connections.transact(scope, async (run) => {
        const expired = (await run(statements.expired, [now, batchSize])).rows
        // A node whose clock is behind may have used the session since: then it lives, and the condition spares it.
        const deletedExpired = await deleteKeys(run, statements.deleteExpired, expired, [now])

        const rest = batchSize - expired.length
        const outdated = rest === 0 ? [] : (await run(statements.outdated, [rest])).rows
        const deletedOutdated = await deleteKeys(run, statements.deleteOutdated, outdated, [])

        const clean = (await run(statements.clean, [batchSize])).rows
        for (const [userId, tokenVersion] of clean)
          await run(statements.markClean, [text(userId), integer(tokenVersion)])

        const oldest = (await run(statements.events, [batchSize])).rows.filter(([, at]) => integer(at) < eventsBefore)
        const [first, last] = [oldest[0]?.[0], oldest.at(-1)?.[0]]
        const deletedEvents =
          oldest.length === 0
            ? 0
            : (await run(statements.deleteEvents, [integer(first), integer(last), eventsBefore])).changed

        const isFull =
          expired.length + outdated.length === batchSize || clean.length === batchSize || oldest.length === batchSize
        return { sessions: deletedExpired + deletedOutdated, events: deletedEvents, more: isFull }
      }),
  }
}

function deleteKeys(
  run: Run,
  statements: ForKeys,
  rows: readonly (readonly Cell[])[],
  after: readonly number[],
): Promise<number> {
  const keys = rows.map(([userId, sid]) => ({ userId: text(userId), sid: text(sid) }))
  return runForKeys(run, statements, keys, { before: [], after })
}
