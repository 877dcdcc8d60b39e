import type { Knex } from 'knex'
import { RollcallError } from '../../src/errors.js'
import type { Scope } from '../../src/ports/store.js'
import type { Dialect, Run, Statement } from './dialect.js'

/** Where statements run: on the caller's transaction, or on connections of the app's own Knex pool. */
export interface Connections {
  /** Gives one connection to the work, outside of a transaction unless the caller has one. */
  use<Answer>(scope: Scope<Knex.Transaction>, work: (run: Run) => Promise<Answer>): Promise<Answer>
  /** The same within a transaction: the caller's, or one that commits before this resolves. */
  transact<Answer>(scope: Scope<Knex.Transaction>, work: (run: Run) => Promise<Answer>): Promise<Answer>
}

/** The parts of a Knex client this file needs; Knex types them loosely. */
interface KnexClient {
  acquireConnection(): Promise<unknown>
  releaseConnection(connection: unknown): Promise<void>
}

export function createConnections(knex: Knex, dialect: Dialect, writeLock: Statement | null): Connections {
  const client = knex.client as KnexClient

  async function use<Answer>(scope: Scope<Knex.Transaction>, work: (run: Run) => Promise<Answer>): Promise<Answer> {
    if (scope.transaction) return onTransaction(scope.transaction, work)
    // All that runs outside of a transaction can run again: it reads, or sets what the next run sets once more.
    return withConnection(
      scope.signal,
      () => true,
      (connection) => onConnection(connection, scope.signal, work),
    )
  }

  async function transact<Answer>(
    scope: Scope<Knex.Transaction>,
    work: (run: Run) => Promise<Answer>,
  ): Promise<Answer> {
    if (scope.transaction) return onTransaction(scope.transaction, work)
    let hasBegun = false
    return withConnection(
      scope.signal,
      () => !hasBegun,
      (connection) =>
        // Begin and commit run under the signal, too: a database that goes silent must keep no connection of the pool.
        onConnection(connection, scope.signal, (run) =>
          knex.transaction(
            async (transaction) => {
              // Knex calls this also when the begin failed.
              hasBegun = !transaction.isCompleted()
              const runInside = whileOpen(transaction, run)
              if (writeLock) await runInside(writeLock)
              return work(runInside)
            },
            { connection },
          ),
        ),
    )
  }

  /** Takes a connection of the pool; one that turns out to be lost is dropped, and where that may be, another is tried. */
  async function withConnection<Answer>(
    signal: AbortSignal | undefined,
    mayRepeat: () => boolean,
    work: (connection: unknown) => Promise<Answer>,
    triesLeft = 2,
  ): Promise<Answer> {
    const connection = await client.acquireConnection()
    try {
      if (!checked.has(connection as object))
        await onConnection(connection, signal, (run) => checkState(connection, run))
      return await work(connection)
    } catch (error) {
      // A TypeError is a mistake of ours or of the caller, whatever the connection.
      if (error instanceof TypeError || !dialect.isConnectionLost(error)) throw error
      discard(connection, error)
      if (triesLeft === 0 || signal?.aborted || !mayRepeat()) throw error
    } finally {
      await client.releaseConnection(connection)
    }
    return withConnection(signal, mayRepeat, work, triesLeft - 1)
  }

  const checked = new WeakSet<object>()
  const stateStatement = dialect.connectionState && dialect.compile(dialect.connectionState.sql)
  async function checkState(connection: unknown, run: Run): Promise<void> {
    if (dialect.connectionState && stateStatement) {
      const { rows } = await run(stateStatement)
      const fault = dialect.connectionState.check(rows[0] ?? [])
      // Such a connection is dropped like a lost one: after a failover the next may lead to the new primary.
      if (fault !== null) throw new Error(fault)
    }
    checked.add(connection as object)
  }

  async function onTransaction<Answer>(
    transaction: Knex.Transaction,
    work: (run: Run) => Promise<Answer>,
  ): Promise<Answer> {
    const connection = await (transaction.client as KnexClient).acquireConnection()
    return onConnection(connection, undefined, (run) => work(whileOpen(transaction, run)))
  }

  async function onConnection<Answer>(
    connection: unknown,
    signal: AbortSignal | undefined,
    work: (run: Run) => Promise<Answer>,
  ): Promise<Answer> {
    signal?.throwIfAborted()
    const abandon = (): void => {
      discard(connection, signal?.reason)
      dialect.abandon(connection)
    }
    signal?.addEventListener('abort', abandon, { once: true })
    try {
      return await work((statement, values = []) => dialect.run(connection, statement, values))
    } finally {
      signal?.removeEventListener('abort', abandon)
    }
  }

  return {
    use: (scope, work) => use(scope, work).catch((error: unknown) => translate(dialect, error)),
    transact: (scope, work) => transact(scope, work).catch((error: unknown) => translate(dialect, error)),
  }
}

/**
 * Runs statements only inside the transaction: before it has begun each would commit by itself, and once it is over its
 * connection is back in the pool and may be in another's hands.
 */
function whileOpen(transaction: Knex.Transaction, run: Run): Run {
  return async (statement, values) => {
    if (transaction.isCompleted()) throw new TypeError('the transaction is not open')
    return run(statement, values)
  }
}

/** Knex's own mark: its pool hands no marked connection out again. The socket's end may be noticed too late for that. */
function discard(connection: unknown, reason: unknown): void {
  Object.assign(connection as object, { __knex__disposed: reason ?? 'given up' })
}

function translate(dialect: Dialect, error: unknown): never {
  const code = error instanceof RollcallError ? null : dialect.classify(error)
  throw code === null ? error : new RollcallError(code, { cause: error })
}
