import type { Knex } from 'knex'
import type { EventLog, EventRows, LoggedEvent, SessionEvent, SessionEventType } from '../../src/ports/store.js'
import type { Cell, Run } from './dialect.js'
import type { SqlEngine } from './engine.js'
import { padTo } from './keys.js'
import { integer, nullableText, text } from './rows.js'

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

/** Few statements for lists of up to 500 numbers. */
const sizes = [8, 64, 500]
/** Of no event. */
const noNumber = 0

export function eventMethods({ connections, dialect, tables }: SqlEngine): EventLog<Knex.Transaction> {
  const selectEvent = dialect.compile(`select 1 from ${tables.events} where event_id = ?`)
  const { oldest, next } = dialect.runningTransactions ?? { oldest: 'null', next: 'null' }
  const columns = 'seq, event_id, type, user_id, sid, token_version, reason, actor, at'
  // All else is told also where there are no events, and by the same snapshot. The outer limit is for `sql_select_limit`.
  const page = (select: string): string =>
    `select ${oldest} as oldest, ${next} as next_one, (select max(seq) from ${tables.events}) as last_seq, e.*
     from (select 1 as one) o left join (${select}) e on 1 = 1 order by e.seq limit ?`
  const selectAfter = dialect.compile(
    page(`select ${columns} from ${tables.events} where seq > ? order by seq limit ?`),
  )
  const selectAt = sizes.map((size) =>
    dialect.compile(
      `select ${columns} from ${tables.events} where seq in (?${', ?'.repeat(size - 1)}) order by seq limit ?`,
    ),
  )
  const selectOfUser = dialect.compile(
    `select ${columns} from ${tables.events} where user_id = ? and seq < ? order by seq desc limit ?`,
  )
  const selectLast = dialect.compile(page(`select ${columns} from ${tables.events} order by seq desc limit ?`))

  return {
    readEvents: (after, limit, scope) =>
      connections.use(scope, async (run) => {
        const { rows } = await (after === null
          ? run(selectLast, [limit, limit])
          : run(selectAfter, [after, limit, limit]))
        const [first, second, last] = rows[0] ?? []
        const isTold = dialect.runningTransactions !== null
        return {
          ...readRows(rows.filter((row) => row[3] !== null).map((row) => row.slice(3))),
          last: last == null ? null : integer(last),
          transactions: isTold ? { oldest: integer(first), next: integer(second) } : null,
        }
      }),

    readEventsAt: (seqs, scope) =>
      connections.use(scope, async (run) => {
        const index = sizes.findIndex((size) => size >= seqs.length)
        const { rows } = await run(selectAt[index]!, [...padTo(sizes[index]!, seqs, noNumber), sizes[index]!])
        return readRows(rows)
      }),

    readUserEvents: (userId, { limit, after }, scope) =>
      connections.use(scope, async (run) => {
        const { rows } = await run(selectOfUser, [userId, after ?? Number.MAX_SAFE_INTEGER, limit])
        return readRows(rows)
      }),

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

/** One by one, so that a row that another program has broken stands in the way of no other. */
function readRows(rows: readonly (readonly Cell[])[]): EventRows {
  const events: LoggedEvent[] = []
  const unreadable: { seq: number; error: Error }[] = []
  for (const row of rows) {
    try {
      events.push(readEvent(row))
    } catch (error) {
      unreadable.push({ seq: integer(row[0]), error: error as Error })
    }
  }
  return { events, unreadable }
}

function readEvent([seq, id, type, userId, sid, tokenVersion, reason, actor, at]: readonly Cell[]): LoggedEvent {
  return {
    seq: integer(seq),
    id: text(id),
    type: text(type) as SessionEventType,
    userId: text(userId),
    sid: nullableText(sid),
    tokenVersion: tokenVersion === null ? null : integer(tokenVersion),
    reason: text(reason),
    actor: nullableText(actor),
    at: integer(at),
  }
}
