import { errorCode, undone, type Cell, type Dialect, type Result, type Statement, type Value } from './dialect.js'
import { lookupSizes } from './keys.js'

type Parameter = Buffer | number | null

/** What this file uses of a `mysql2` connection. */
interface MysqlConnection {
  execute(sql: string, values: Parameter[], callback: Callback): void
  execute(
    options: { sql: string; values: Parameter[]; rowsAsArray: true; nestTables: false; typeCast: typeof driversOwn },
    callback: Callback,
  ): void
  config: { typeCast?: unknown; rowsAsArray?: unknown; nestTables?: unknown }
  stream: { destroy(error: Error): void }
}

type Row = Cell[] | Record<string, Cell>
type Callback = (error: Error | null, result: Row[] | { affectedRows: number }) => void

/** Overrides a `typeCast` of the app. */
const driversOwn = (_: unknown, next: () => unknown): unknown => next()

/** Ends of a connection, and the refusals of a server that was the primary before. */
const lost = new Set(['ER_QUERY_INTERRUPTED', 'ER_OPTION_PREVENTS_STATEMENT', 'ER_READ_ONLY_MODE'])
const missing = new Set(['ER_NO_SUCH_TABLE', 'ER_BAD_FIELD_ERROR', 'ER_BAD_DB_ERROR'])
/** ER_CHECKREAD: MariaDB's snapshot isolation, on by default from 11.6. */
const conflicts = new Set(['ER_LOCK_DEADLOCK', 'ER_LOCK_WAIT_TIMEOUT', 'ER_CHECKREAD'])
/** A column that is there to be added, or gone to be dropped: MySQL has no `if not exists` for columns. */
const done = new Set(['ER_DUP_FIELDNAME', 'ER_CANT_DROP_FIELD_OR_KEY'])
/** A flag that is off: MariaDB 12 spells it out. */
const off = new Set(['0', 'OFF'])
const migrationWait = 120

export const mysqlDialect: Dialect = {
  engine: 'mysql',
  driver: 'mysql2',
  quote: (name) => `\`${name}\``,
  compile: (sql) => ({ sql, name: null }),

  /**
   * Always the server's own binding: escaping on the client is unsafe under NO_BACKSLASH_ESCAPES. Text goes as bytes, so
   * that neither the connection's character set nor a collation can change or fold it.
   */
  run: (connection, { sql }, values) =>
    new Promise<Result>((resolve, reject) => {
      const driver = connection as MysqlConnection
      const parameters = values.map(toParameter)
      const settle: Callback = (error, result) => (error ? reject(error) : resolve(toResult(result)))
      // mysql2 takes a fifth longer with options, and twice as long with a typeCast: only where the app's own reach our rows.
      if (hasPlainRows(driver)) driver.execute(sql, parameters, settle)
      else
        driver.execute({ sql, values: parameters, rowsAsArray: true, nestTables: false, typeCast: driversOwn }, settle)
    }),

  withoutName: () => null,

  connectionState: {
    sql: 'select @@autocommit, @@completion_type, @@read_only, @@innodb_read_only, @@innodb_flush_log_at_trx_commit',
    check: ([autocommit, completion, isReadOnly, isInnodbReadOnly]) => {
      if (Number(autocommit) !== 1)
        return 'autocommit is off on the connection: its first read would be its last new one'
      if (!['0', 'NO_CHAIN'].includes(String(completion)))
        return 'completion_type chains transactions: no read would see what is new'
      // MySQL and MariaDB have several grades of read-only; any of them means a replica.
      return [isReadOnly, isInnodbReadOnly].every((value) => off.has(String(value)))
        ? null
        : 'the connection leads to a read-only server: connect to the primary'
    },
    weakened: ([, , , , flush]) => {
      if (Number(flush) === 1) return []
      const whose = Number(flush) === 2 ? 'the machine of the server' : 'the server or its machine'
      return [`innodb_flush_log_at_trx_commit = ${Number(flush)}: ${undone(whose)}`]
    },
  },

  // destroy() of the connection itself would leave its callbacks waiting for ever.
  abandon: (connection) =>
    (connection as MysqlConnection).stream.destroy(new Error('given up by rollcall: storeTimeout')),

  // A failed commit is a rollback here, or the end of the connection.
  endLeftOpen: () => {},

  // Not `insert ignore`: that takes a shared lock on the row, and two logins of one user would deadlock on the way to
  // the exclusive one.
  keepExistingUser: 'on duplicate key update user_id = user_id',
  lockRow: 'for update',
  // Left alone, it counts a user's sessions along the primary key, which holds the whole rows.
  useIndex: (index) => `force index (${index})`,
  takeWriteLock: () => null,

  manyKeys: {
    sizes: lookupSizes,
    // One lookup by the primary key for each row of the list, whatever the planner thinks of it: MariaDB takes three times
    // as long for a row constructor's `in`. With its own limit no `sql_select_limit` cuts it, and honest sessions with it. The casts keep the list in memory there; without one it would be of blobs.
    source: ({ sessions, users }, size) =>
      `from (select cast(? as binary) as user_id, cast(? as binary) as sid${' union all select cast(? as binary), cast(? as binary)'.repeat(size - 1)}) k
       straight_join ${sessions} s on s.user_id = k.user_id and s.sid = k.sid
       straight_join ${users} u on u.user_id = s.user_id
       limit ${size}`,
    values: (keys) => keys.flatMap((key) => [key.userId, key.sid]),
  },

  runningTransactions: null,
  nowMilliseconds: 'floor(unix_timestamp(now(3)) * 1000)',

  async migrateAlone(run, tables, work) {
    const plain = (sql: string): Statement => ({ sql, name: null })
    // Not md5(), which MySQL 9.6 dropped. DDL commits by itself here, so the lock belongs to the connection; it goes with it when the process dies.
    const name = `concat('rollcall:', left(sha2(concat(coalesce(database(), ''), ?), 256), 32))`
    const got = await run(plain(`select get_lock(${name}, ${migrationWait})`), [tables.migrations])
    if (Number(got.rows[0]?.[0]) !== 1)
      throw new Error(`another process has been migrating for ${migrationWait} seconds`)
    try {
      await work()
    } finally {
      await run(plain(`select release_lock(${name})`), [tables.migrations]).catch(() => {})
    }
  },

  isDoneAlready: (error) => done.has(errorCode(error)),

  // What the server says of a statement has an SQL state; that of its own end is 08S01.
  isConnectionLost: (error) =>
    error instanceof Error && (!('sqlState' in error) || error.sqlState === '08S01' || lost.has(errorCode(error))),

  // Class 22 is data exceptions.
  isDataError: (error) => error instanceof Error && 'sqlState' in error && String(error.sqlState).startsWith('22'),

  classify(error) {
    const code = errorCode(error)
    return missing.has(code) ? 'store_not_migrated' : conflicts.has(code) ? 'transaction_conflict' : null
  },
}

function hasPlainRows({ config }: MysqlConnection): boolean {
  return config.typeCast === true && !config.rowsAsArray && !config.nestTables
}

/** Rows by name keep the order of their columns, whose names differ. */
function toResult(result: Row[] | { affectedRows: number }): Result {
  if (!Array.isArray(result)) return { rows: [], changed: result.affectedRows }
  return { rows: result.map((row) => (Array.isArray(row) ? row : Object.values(row))), changed: 0 }
}

function toParameter(value: Value): Parameter {
  if (typeof value === 'string') return Buffer.from(value)
  if (typeof value === 'number' || value === null) return value
  throw new TypeError('this engine has no arrays')
}
