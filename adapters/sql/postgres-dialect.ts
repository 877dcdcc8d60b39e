import { createHash } from 'node:crypto'
import { errorCode, undone, type Cell, type Dialect, type Result, type Statement, type Value } from './dialect.js'

/** What this file uses of a `pg` client. */
interface PostgresConnection {
  query(
    config: { name?: string; text: string; values: Value[]; rowMode: 'array'; types: typeof plainText },
    callback: (error: Error | null, result: { rows: Cell[][]; rowCount: number | null }) => void,
  ): void
  connection: { stream: { destroy(): void } }
}

/** Every cell as the server's text, whether or not the app changed pg's type parsers. */
const plainText = {
  getTypeParser:
    () =>
    (text: string): string =>
      text,
}

/** invalid_sql_statement_name and duplicate_prepared_statement: a pooler moved us to another server connection. */
const lostNames = new Set(['26000', '42P05'])
/** undefined_table, undefined_column, invalid_schema_name */
const missing = new Set(['42P01', '42703', '3F000'])
/** serialization_failure, deadlock_detected, lock_not_available */
const conflicts = new Set(['40001', '40P01', '55P03'])

export const postgresDialect: Dialect = {
  engine: 'postgres',
  driver: 'pg',
  quote: (name) => `"${name}"`,

  compile(sql, options) {
    let count = 0
    const text = sql.replaceAll('?', () => `$${(count += 1)}`)
    // The name stands for the text: behind a pooler another app's statement could answer to a name of our choice.
    const name = options?.isHot ? `rollcall_${createHash('sha256').update(text).digest('hex').slice(0, 16)}` : null
    return { sql: text, name }
  },

  run: (connection, statement, values) =>
    new Promise<Result>((resolve, reject) => {
      const config = { text: statement.sql, values: values as Value[], rowMode: 'array', types: plainText } as const
      ;(connection as PostgresConnection).query(
        statement.name === null ? config : { ...config, name: statement.name },
        (error, result) => (error ? reject(error) : resolve({ rows: result.rows, changed: result.rowCount ?? 0 })),
      )
    }),

  withoutName: (statement, error) =>
    statement.name !== null && lostNames.has(errorCode(error)) ? { ...statement, name: null } : null,

  connectionState: {
    sql: "select pg_is_in_recovery(), current_setting('synchronous_commit'), current_setting('fsync')",
    check: ([isStandby]) => (isStandby === 'f' ? null : 'the connection leads to a standby: connect to the primary'),
    weakened: ([, synchronousCommit, fsync]) => [
      ...(synchronousCommit === 'off' ? [`synchronous_commit = off: ${undone('the server or its machine')}`] : []),
      ...(fsync === 'off' ? [`fsync = off: ${undone('the machine of the server')}`] : []),
    ],
  },

  abandon: (connection) => (connection as PostgresConnection).connection.stream.destroy(),

  // A failed commit is a rollback here, or the end of the connection.
  endLeftOpen: () => {},

  keepExistingUser: 'on conflict (user_id) do nothing',
  lockRow: 'for update',
  useIndex: () => '',
  takeWriteLock: () => null,

  manyKeys: {
    sizes: null,
    source: ({ sessions, users }) =>
      `from unnest(?::text[], ?::text[]) as k (user_id, sid)
       join ${sessions} s on s.user_id = k.user_id and s.sid = k.sid
       join ${users} u on u.user_id = s.user_id`,
    values: (keys) => [keys.map((key) => key.userId), keys.map((key) => key.sid)],
  },

  // Of the snapshot that the statement itself reads by.
  runningTransactions: {
    oldest: 'pg_snapshot_xmin(pg_current_snapshot())::text',
    // Not xmax, which is one past the greatest that is over: those that run may be greater. An age counts back from the next.
    next: '(pg_snapshot_xmin(pg_current_snapshot())::text::bigint + age(pg_snapshot_xmin(pg_current_snapshot())::xid))::text',
  },

  nowMilliseconds: 'floor(extract(epoch from now()) * 1000)',

  async migrateAlone(run, _, work) {
    const plain = (sql: string): Statement => ({ sql, name: null })
    await run(plain('begin'))
    try {
      // Ends with the transaction, so it also holds behind a transaction pooler and after a crash.
      await run(plain("select pg_advisory_xact_lock(hashtext('rollcall migrations'))"))
      await work()
      await run(plain('commit'))
    } catch (error) {
      await run(plain('rollback')).catch(() => {})
      throw error
    }
  },

  // A run is one transaction.
  isDoneAlready: () => false,

  // What the server says of a statement has a severity; of its own end it speaks in classes 57P and 08, and a server that
  // was the primary before refuses to write with 25006. 25P02 is of a transaction that the app left behind in the pool.
  isConnectionLost: (error) =>
    error instanceof Error && (!('severity' in error) || /^(57P|08|25006|25P02)/.test(errorCode(error))),

  // Class 22 is data exceptions: a character that the server's encoding lacks, say.
  isDataError: (error) => errorCode(error).startsWith('22'),

  classify(error) {
    const code = errorCode(error)
    return missing.has(code) ? 'store_not_migrated' : conflicts.has(code) ? 'transaction_conflict' : null
  },
}
