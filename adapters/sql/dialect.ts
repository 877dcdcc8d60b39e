import type { Engine, TableNames } from '../../migrations/index.js'
import type { SessionKey } from '../../src/ports/store.js'

export type Value = string | number | null | readonly string[]
export type Cell = unknown

export interface Result {
  readonly rows: readonly (readonly Cell[])[]
  /** Rows written. Whether a no-op write counts differs by engine and setting: never let a decision rest on one. */
  readonly changed: number
}

/** SQL as the driver takes it. Only the hot ones are prepared under a name, so that connections hold few of them. */
export interface Statement {
  readonly sql: string
  readonly name: string | null
}

/** Runs one statement on one connection. */
export type Run = (statement: Statement, values?: readonly Value[]) => Promise<Result>

/**
 * What differs between engines, each difference under a name of its own. Statements go to the driver's connection
 * directly: Knex's query builder costs most of the lookup's time, and its `wrapIdentifier`, `postProcessResponse`
 * and the app's type parsers must not reach these rows.
 */
export interface Dialect {
  readonly engine: Engine
  /** The Knex driver whose connections `run` knows. */
  readonly driver: string
  quote(name: string): string
  /** Makes a statement of SQL that has `?` for every value. */
  compile(sql: string, options?: { readonly isHot: boolean }): Statement
  /** Values are bound, never escaped into the text. Cells are the driver's: read them with `rows.ts`. */
  run(connection: unknown, statement: Statement, values: readonly Value[]): Promise<Result>
  /** The same without a name when the error says that names don't hold on this connection (a transaction pooler). */
  withoutName(statement: Statement, error: unknown): Statement | null
  /** What each connection is asked once: whether its reads are true, and whether what it commits stays. */
  readonly connectionState: {
    readonly sql: string
    /** Why its reads can't be trusted, or `null`: a standby, or a snapshot that never ends, would show a session after its revoke. */
    check(row: readonly Cell[]): string | null
    /** Which settings let a crash undo a revoke that was acknowledged, in words. */
    weakened(row: readonly Cell[]): readonly string[]
  }
  /** Gives a connection up in the middle of a statement; its pool drops it. `null` where a statement has no middle. */
  readonly abandon: ((connection: unknown) => void) | null
  /** Ends a transaction that a failed commit left open, before the connection goes back to its pool. */
  endLeftOpen(connection: unknown): void
  /** Ends `insert into users ...` so that a row that is there stays as it is. */
  readonly keepExistingUser: string
  /** Ends a `select` that locks its row until the transaction ends. */
  readonly lockRow: string
  /** Stands behind a table and names the index to read it by, for an engine whose planner would choose another. */
  useIndex(index: string): string
  /** The first statement of an own transaction, where an engine must learn at once that it will write. */
  takeWriteLock(tables: TableNames): string | null
  /** How to read many sessions by key in one statement. */
  readonly manyKeys: {
    /** Sizes a list is padded to, ascending, so that few statements are prepared; `null` when any size is one statement. */
    readonly sizes: readonly number[] | null
    /** The `from` and `where` over sessions `s` and users `u` for a list of this size. */
    source(tables: TableNames, size: number): string
    values(keys: readonly SessionKey[]): readonly Value[]
  }
  /** The oldest running transaction and the next one's number, of this moment; `null` where the engine tells nobody. */
  readonly runningTransactions: { readonly oldest: string; readonly next: string } | null
  /** Epoch milliseconds of the database clock; for the record of migrations only. */
  readonly nowMilliseconds: string
  /** Runs the work while no other process migrates, in one transaction where the engine's DDL takes part in them. */
  migrateAlone(run: Run, tables: TableNames, work: () => Promise<void>): Promise<void>
  /** Whether the error of a migration's statement says that an interrupted run has done it already. */
  isDoneAlready(error: unknown): boolean
  /** Whether the error tells of the connection and not of the statement: another connection may do better. */
  isConnectionLost(error: unknown): boolean
  /** Whether the error is about a value of the statement, so that another one may do better on the same connection. */
  isDataError(error: unknown): boolean
  /** What a driver's error means to the caller, where it means more than an outage. */
  classify(error: unknown): 'store_not_migrated' | 'transaction_conflict' | null
}

/** What a setting that commits before it is written to disk gives up, in words for an operator. */
export function undone(whose: string): string {
  return `a crash of ${whose} can undo a logout that was acknowledged`
}

export function errorCode(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : ''
}
