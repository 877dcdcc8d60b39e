import type { Dialect, Run } from './dialect.js'

/** The parts of a Knex client this folder needs; Knex types them loosely. */
export interface KnexClient {
  acquireConnection(): Promise<unknown>
  releaseConnection(connection: unknown): Promise<void>
}

/**
 * Gives one connection of the app's pool to the work. Answers what the work answers.
 * @param signal when it aborts, the connection is given up in the middle of its statement
 * @param mayRepeat whether, on a connection that turns out to be lost, the work can run again on another
 */
export type UsePool = <Answer>(
  signal: AbortSignal | undefined,
  mayRepeat: () => boolean,
  work: (run: Run, connection: unknown) => Promise<Answer>,
) => Promise<Answer>

export interface Pool {
  readonly use: UsePool
  /** Which settings of the database weaken a promise, as the connection told that was opened last. */
  weakened(): readonly string[]
}

const repeats = 2

export function createPool(client: KnexClient, dialect: Dialect): Pool {
  const { checkState, weakened } = createStateCheck(dialect)

  const use: UsePool = async (signal, mayRepeat, work) => {
    for (let repeat = 0; ; repeat += 1) {
      const connection = await acquire(client, signal)
      try {
        return await runOn(dialect, connection, signal, (run) => {
          const check = checkState(connection, run)
          return check ? check.then(() => work(run, connection)) : work(run, connection)
        })
      } catch (error) {
        dialect.endLeftOpen(connection)
        if (!isFromDriver(error) || !dialect.isConnectionLost(error)) throw error
        discard(connection, error)
        if (repeat === repeats || signal?.aborted || !mayRepeat()) throw error
      } finally {
        await client.releaseConnection(connection)
      }
    }
  }
  return { use, weakened }
}

/** Waits for a connection as long as somebody waits for its work. One that comes later did no wrong and serves the next. */
async function acquire(client: KnexClient, signal: AbortSignal | undefined): Promise<unknown> {
  const acquired = client.acquireConnection()
  if (signal === undefined) return acquired
  let stopWaiting = (): void => {}
  const givenUp = new Promise<never>((_, reject) => {
    stopWaiting = () => reject(new Error(noneFree, { cause: signal.reason }))
    signal.addEventListener('abort', stopWaiting, { once: true })
    if (signal.aborted) stopWaiting()
  })
  try {
    return await Promise.race([acquired, givenUp])
  } catch (error) {
    if (signal.aborted) acquired.then((connection) => client.releaseConnection(connection)).catch(() => {})
    throw error
  } finally {
    signal.removeEventListener('abort', stopWaiting)
  }
}

const noneFree =
  'no connection of the Knex pool became free in time: it is too small for what runs at once, or waits for itself, as ' +
  'when a transaction of the app holds the only one while it calls a verb without { transaction }'

/** Runs statements on this connection until the work is done or nobody waits for it any longer. */
export async function runOn<Answer>(
  dialect: Dialect,
  connection: unknown,
  signal: AbortSignal | undefined,
  work: (run: Run) => Promise<Answer>,
): Promise<Answer> {
  const runHere: Run = (statement, values = []) => dialect.run(connection, statement, values)
  const { abandon } = dialect
  if (signal === undefined || abandon === null) return work(runHere)
  const giveUp = (): void => {
    discard(connection, signal.reason)
    abandon(connection)
  }
  signal.addEventListener('abort', giveUp, { once: true })
  try {
    return await work(runHere)
  } finally {
    signal.removeEventListener('abort', giveUp)
  }
}

/** JavaScript's own kinds of error (a TypeError, a SyntaxError of JSON) are mistakes, whatever the connection. */
function isFromDriver(error: unknown): boolean {
  return error instanceof Error && error.name.toLowerCase() === 'error'
}

/** Asks each connection once whether it can be trusted. */
function createStateCheck({ connectionState, compile }: Dialect): {
  checkState(connection: unknown, run: Run): Promise<void> | undefined
  weakened(): readonly string[]
} {
  const statement = compile(connectionState.sql)
  const checked = new WeakSet<object>()
  let weakened: readonly string[] = []

  async function check(connection: object, run: Run): Promise<void> {
    const { rows } = await run(statement)
    const fault = connectionState.check(rows[0] ?? [])
    // Such a connection is dropped like a lost one: after a failover the next may lead to the new primary.
    if (fault !== null) throw new Error(fault)
    weakened = connectionState.weakened(rows[0] ?? [])
    checked.add(connection)
  }
  return {
    checkState: (connection, run) => (checked.has(connection as object) ? undefined : check(connection as object, run)),
    weakened: () => weakened,
  }
}

/** Knex's own mark: its pool hands no marked connection out again. The socket's end may be noticed too late for that. */
function discard(connection: unknown, reason: unknown): void {
  Object.assign(connection as object, { __knex__disposed: reason ?? 'given up' })
}
