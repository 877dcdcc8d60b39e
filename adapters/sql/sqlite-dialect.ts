import { errorCode, undone, type Cell, type Dialect, type Statement, type Value } from './dialect.js'
import { lookupSizes } from './keys.js'

/** What this file uses of a `better-sqlite3` statement and database. */
interface SqliteStatement {
  readonly reader: boolean
  raw(on: boolean): SqliteStatement
  safeIntegers(on: boolean): SqliteStatement
  all(...values: Value[]): Cell[][]
  run(...values: Value[]): { changes: number }
}
interface SqliteConnection {
  readonly inTransaction: boolean
  prepare(sql: string): SqliteStatement
}

/** Preparing costs more than running; statements are few and live as long as their connection. */
const prepared = new WeakMap<object, Map<string, SqliteStatement>>()

export const sqliteDialect: Dialect = {
  engine: 'sqlite',
  driver: 'better-sqlite3',
  quote: (name) => `"${name}"`,
  compile: (sql) => ({ sql, name: null }),

  async run(connection, { sql }, values) {
    const statement = prepare(connection as SqliteConnection, sql)
    if (statement.reader) return { rows: statement.all(...values), changed: 0 }
    return { rows: [], changed: statement.run(...values).changes }
  },

  withoutName: () => null,
  connectionState: {
    sql: 'select synchronous from pragma_synchronous',
    check: () => null,
    weakened: ([synchronous]) =>
      Number(synchronous) >= 2 ? [] : [`pragma synchronous = ${Number(synchronous)}: ${undone('the machine')}`],
  },
  // Statements run to their end within one call: there is no middle to give up in.
  abandon: null,

  // A commit that met a long reader (SQLITE_BUSY) leaves its transaction open, and Knex does not roll it back: every
  // later statement, the app's own among them, would run inside it and be lost.
  endLeftOpen(connection) {
    const database = connection as SqliteConnection
    if (database.inTransaction) prepare(database, 'rollback').run()
  },

  keepExistingUser: 'on conflict (user_id) do nothing',
  // The whole file is locked by its writer.
  lockRow: '',
  useIndex: () => '',
  // Knex begins a deferred transaction; one that reads first and writes later fails at once with SQLITE_BUSY when another
  // process wrote meanwhile, without waiting for its busy timeout.
  takeWriteLock: ({ users }) => `delete from ${users} where false`,

  manyKeys: {
    sizes: lookupSizes,
    source: ({ sessions, users }, size) =>
      `from ${sessions} s join ${users} u on u.user_id = s.user_id
       where (s.user_id, s.sid) in (values ${Array<string>(size).fill('(?, ?)').join(', ')})`,
    values: (keys) => keys.flatMap((key) => [key.userId, key.sid]),
  },

  // There is one writer at a time: what is numbered first commits first.
  runningTransactions: { oldest: '0', next: '0' },

  nowMilliseconds: "cast(unixepoch('subsec') * 1000 as integer)",

  async migrateAlone(run, _, work) {
    const plain = (sql: string): Statement => ({ sql, name: null })
    await run(plain('begin immediate'))
    try {
      await work()
      await run(plain('commit'))
    } catch (error) {
      await run(plain('rollback')).catch(() => {})
      throw error
    }
  },

  // A run is one transaction.
  isDoneAlready: () => false,

  isConnectionLost: () => false,

  // It has neither an encoding to miss a character in nor types to refuse a value.
  isDataError: () => false,

  classify(error) {
    const message = error instanceof Error ? error.message : ''
    if (/no such (table|column)|has no column named/.test(message)) return 'store_not_migrated'
    return /^SQLITE_(BUSY|LOCKED)/.test(errorCode(error)) ? 'transaction_conflict' : null
  },
}

function prepare(connection: SqliteConnection, sql: string): SqliteStatement {
  const statements = prepared.get(connection) ?? new Map<string, SqliteStatement>()
  prepared.set(connection, statements)
  let statement = statements.get(sql)
  if (!statement) {
    statement = connection.prepare(sql)
    // The app may have switched on big integers for the whole connection.
    if (statement.reader) statement.raw(true).safeIntegers(false)
    statements.set(sql, statement)
  }
  return statement
}
