import type { Knex } from 'knex'
import type { EventLog, SessionEvent } from '../../src/ports/store.js'
import type { Run } from './dialect.js'
import type { SqlEngine } from './engine.js'

/** Writes an event in the transaction of its change. */
export type WriteEvent = (run: Run, event: SessionEvent) => Promise<void>

export function createWriteEvent({ dialect, tables }: SqlEngine): WriteEvent {
  const insertEvent = dialect.compile(
    `insert into ${tables.events} (event_id, type, user_id, sid, token_version, reason, actor, at) values (?, ?, ?, ?, ?, ?, ?, ?)`,
  )
  return async (run, { id, type, userId, sid, tokenVersion, reason, actor, at }) => {
    await run(insertEvent, [id, type, userId, sid, tokenVersion, reason, actor, at])
  }
}

export function eventMethods({ connections, dialect, tables }: SqlEngine): EventLog<Knex.Transaction> {
  const selectEvent = dialect.compile(`select 1 from ${tables.events} where event_id = ?`)

  return {
    committed: (eventIds, scope) =>
      connections.use(scope, async (run) => {
        const found: string[] = []
        for (const id of eventIds) {
          if ((await run(selectEvent, [id])).rows.length > 0) found.push(id)
        }
        return found
      }),

    // A released savepoint settles nothing while its parent is open, so the outermost transaction is waited for. How it
    // ended can't be read off: the promise resolves after rollback(), too.
    async settled(transaction) {
      let outermost = transaction
      while (outermost.parentTransaction) outermost = outermost.parentTransaction
      await outermost.executionPromise.catch(() => {})
    },
  }
}
