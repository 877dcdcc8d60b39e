import type { Knex } from 'knex'
import { RollcallError } from '../../src/errors.js'
import { StoreDataError, type Scope } from '../../src/ports/store.js'
import type { Dialect, Run, Statement } from './dialect.js'
import { createPool, runOn, type KnexClient } from './pool.js'

/** Where statements run: on the caller's transaction, or on connections of the app's own Knex pool. */
export interface Connections {
  /** Gives one connection to the work, outside of a transaction unless the caller has one. */
  use<Answer>(scope: Scope<Knex.Transaction>, work: (run: Run) => Promise<Answer>): Promise<Answer>
  /** The same within a transaction: the caller's, or one that commits before this resolves. */
  transact<Answer>(scope: Scope<Knex.Transaction>, work: (run: Run) => Promise<Answer>): Promise<Answer>
  /** Which settings of the database weaken a promise, as far as it was asked by now. */
  weakened(): readonly string[]
}

type Work<Answer> = (run: Run) => Promise<Answer>

export function createConnections(knex: Knex, dialect: Dialect, writeLock: Statement | null): Connections {
  const { use: usePool, weakened } = createPool(knex.client as KnexClient, dialect)

  async function onTransaction<Answer>(transaction: Knex.Transaction, work: Work<Answer>): Promise<Answer> {
    const connection = await (transaction.client as KnexClient).acquireConnection()
    return runOn(dialect, connection, undefined, (run) => work(whileOpen(transaction, run)))
  }

  function onOwnTransaction<Answer>(signal: AbortSignal | undefined, work: Work<Answer>): Promise<Answer> {
    let hasBegun = false
    return usePool(
      signal,
      () => !hasBegun,
      (run, connection) =>
        // Begin and commit run under the signal, too: a database that goes silent must keep no connection of the pool.
        knex
          .transaction(
            async (transaction) => {
              // Knex calls this also when the begin failed.
              hasBegun = !transaction.isCompleted()
              const runInside = whileOpen(transaction, run)
              if (writeLock) await runInside(writeLock)
              return work(runInside)
            },
            { connection },
          )
          .finally(() => {
            // Knex leaves its mark on connections that it did not acquire itself.
            Reflect.deleteProperty(connection as object, '__knexTxId')
          }),
    )
  }

  return {
    use: ({ transaction, signal }, work) =>
      (transaction
        ? onTransaction(transaction, work)
        : // All that runs outside of a transaction can run again: it reads, or sets what the next run sets once more.
          usePool(signal, () => true, work)
      ).catch((error: unknown) => translate(dialect, error)),

    transact: ({ transaction, signal }, work) =>
      (transaction ? onTransaction(transaction, work) : onOwnTransaction(signal, work)).catch((error: unknown) =>
        translate(dialect, error),
      ),

    weakened,
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

function translate(dialect: Dialect, error: unknown): never {
  if (error instanceof RollcallError || error instanceof StoreDataError) throw error
  const code = dialect.classify(error)
  if (code !== null) throw new RollcallError(code, { cause: error })
  throw dialect.isDataError(error) ? new StoreDataError('a value was refused', { cause: error }) : error
}
