import type { Knex } from 'knex'
import { checkOptions } from '../../src/options.js'
import type { Store } from '../../src/ports/store.js'
import { createConnections } from './connections.js'
import type { Dialect } from './dialect.js'
import { createWriteEvent, eventMethods } from './events.js'
import type { SqlEngine } from './engine.js'
import { listMethods } from './list.js'
import { lookupMethods } from './lookup.js'
import { pruneMethods } from './prune.js'
import { refreshMethods } from './refresh.js'
import { createReadState } from './session-state.js'
import { sessionMethods } from './sessions.js'
import { tableNames, type TableOptions } from './tables.js'
import { createLockUser, userMethods } from './users.js'

export type SqlStore = Store<Knex.Transaction>

/** What an engine's store takes; each engine lets in the options that mean something to it. */
export interface SqlStoreOptions extends TableOptions {
  readonly preparedStatements?: boolean | undefined
}

/** The one implementation of the store over Knex; engines differ in their dialect alone. */
export function sqlStore(
  where: string,
  knex: Knex,
  dialect: Dialect,
  options: SqlStoreOptions | undefined,
  known: readonly (keyof SqlStoreOptions)[],
): SqlStore {
  checkOptions(where, options, known)
  checkKnex(where, knex, dialect)
  const { prefix, schema, preparedStatements = true } = options ?? {}
  const tables = tableNames(where, { prefix, schema }, (name) => dialect.quote(name))
  const writeLock = dialect.takeWriteLock(tables)
  const connections = createConnections(knex, dialect, writeLock === null ? null : dialect.compile(writeLock))
  const engine: SqlEngine = { dialect, tables, connections }
  const lockUser = createLockUser(engine)
  const readState = createReadState(engine)
  const writeEvent = createWriteEvent(engine)

  return {
    ...lookupMethods(engine, { preparedStatements }),
    ...sessionMethods(engine, lockUser, readState, writeEvent),
    ...refreshMethods(engine),
    ...listMethods(engine),
    ...userMethods(engine, lockUser, readState, writeEvent),
    ...pruneMethods(engine),
    ...eventMethods(engine),
    assertTransaction: (transaction) => assertTransaction(transaction, knex),
    weakened: () => connections.weakened(),
  }
}

function assertTransaction(transaction: unknown, knex: Knex): void {
  if (!isKnexTransaction(transaction)) throw new TypeError('transaction must be a Knex transaction')
  // One of another instance may well be one of another database.
  if (configOf(transaction) !== configOf(knex)) {
    throw new TypeError('transaction must be of the Knex instance that the store was given')
  }
  if (transaction.isCompleted()) throw new TypeError('the transaction is already completed')
}

function isKnexTransaction(value: unknown): value is Knex.Transaction {
  return (
    typeof value === 'function' && 'isTransaction' in value && value.isTransaction === true && 'isCompleted' in value
  )
}

/** @throws TypeError unless this is a Knex instance (not a transaction) with the driver whose connections we use. */
export function checkKnex(where: string, knex: Knex, dialect: Dialect): void {
  if (typeof knex !== 'function' || knex.isTransaction) throw new TypeError(`${where} takes your Knex instance`)
  const driver = driverOf(knex)
  if (driver !== dialect.driver)
    throw new TypeError(`${where} needs a Knex instance with client '${dialect.driver}', not '${driver}'`)
}

export function driverOf(knex: Knex): string {
  return String((knex.client as { driverName?: unknown } | undefined)?.driverName)
}

/** A transaction shares its configuration with the instance that began it. */
function configOf(knex: Knex): unknown {
  return (knex.client as { config?: unknown } | undefined)?.config
}
