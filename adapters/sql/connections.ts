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

  async function use<Answer>(
    scope: Scope<Knex.Transaction>,
    work: (run: Run) => Promise<Answer>,
    triesLeft = 2,
  ): Promise<Answer> {
    if (scope.transaction) return onTransaction(scope.transaction, undefined, work)
    const connection = await client.acquireConnection()
    try {
      return await onConnection(connection, scope.signal, work)
    } catch (error) {
      if (!dialect.isConnectionLost(error)) throw error
      discard(connection, error)
      // All that runs outside of a transaction can run again: it reads, or sets what the next run sets once more.
      if (triesLeft === 0 || scope.signal?.aborted) throw error
    } finally {
      await client.releaseConnection(connection)
    }
    return use(scope, work, triesLeft - 1)
  }

  async function transact<Answer>(
    scope: Scope<Knex.Transaction>,
    work: (run: Run) => Promise<Answer>,
  ): Promise<Answer> {
    if (scope.transaction) return onTransaction(scope.transaction, undefined, work)
    return knex.transaction((transaction) =>
      onTransaction(transaction, scope.signal, async (run) => {
        if (writeLock) await run(writeLock)
        return work(run)
      }),
    )
  }

  async function onTransaction<Answer>(
    transaction: Knex.Transaction,
    signal: AbortSignal | undefined,
    work: (run: Run) => Promise<Answer>,
  ): Promise<Answer> {
    const connection = await (transaction.client as KnexClient).acquireConnection()
    return onConnection(connection, signal, (run) =>
      work((statement, values) => {
        // Once it is over, its connection is back in the pool and may be in another's hands.
        if (transaction.isCompleted()) throw new TypeError('the transaction is already completed')
        return run(statement, values)
      }),
    )
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

/** Knex's own mark: its pool hands no marked connection out again. The socket's end may be noticed too late for that. */
function discard(connection: unknown, reason: unknown): void {
  Object.assign(connection as object, { __knex__disposed: reason ?? 'given up' })
}

function translate(dialect: Dialect, error: unknown): never {
  const code = error instanceof RollcallError ? null : dialect.classify(error)
  throw code === null ? error : new RollcallError(code, { cause: error })
}
