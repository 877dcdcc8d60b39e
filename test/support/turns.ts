import { AsyncLocalStorage } from 'node:async_hooks'
import { setImmediate } from 'node:timers/promises'
import type { Knex } from 'knex'
import type { Store } from '../../src/ports/store.js'
import type { Chance } from './chance.js'

/** What an act finds of its schedule, wherever it has come to. */
interface Actor {
  readonly name: string
  /** How soon it gets its turns, against the others. */
  readonly pace: number
  /** Whether it may hold locks that another one waits for. */
  isInTransaction: boolean
  readonly log: string[]
  /** Wakes those who wait for the next note of the schedule; nobody waits for them meanwhile. */
  readonly readers: (() => void)[]
  comeToNextNote(): Promise<void>
  comeToBarrier(): Promise<void>
}

const acting = new AsyncLocalStorage<Actor>()

/** A barrier: an act waits here until the schedule lets it go on; everyone else passes. */
export async function barrier(): Promise<void> {
  await acting.getStore()?.comeToBarrier()
}

/** Writes down what an act of a schedule has come to. */
export function note(what: string): void {
  const actor = acting.getStore()
  actor?.log.push(`${actor.name}: ${what}`)
  for (const read of actor?.readers.splice(0) ?? []) read()
}

/** Waits, within an act, until what was noted in its schedule holds this, and answers it. */
export async function untilNoted<Found>(find: (log: readonly string[]) => Found | undefined): Promise<Found> {
  const actor = acting.getStore()!
  for (;;) {
    const found = find(actor.log)
    if (found !== undefined) return found
    await actor.comeToNextNote()
  }
}

/** How often every other schedule lets a second one run before the first has come to its next barrier. */
const overlapping = 0.3
/** So many turns of the event loop it waits for one that may have met a lock of another's. */
const patience = 12

/**
 * Runs the acts together, in an order that chance decides at each of their barriers, and answers what was noted, in order.
 * Nobody is waited for who may be waiting himself: for a lock of one that stands at a barrier within a transaction, or of
 * `lockHolder`, who begins with one.
 */
export async function interleave(
  chance: Chance,
  acts: Readonly<Record<string, () => Promise<void>>>,
  lockHolder?: string,
): Promise<string[]> {
  const overlap = chance() < 0.5 ? 0 : overlapping
  const log: string[] = []
  const readers: (() => void)[] = []
  const waiting: { readonly actor: Actor; readonly goOn: () => void }[] = []
  let running = 0
  let wake = (): void => {}

  const ended = Object.entries(acts).map(([name, act]) => {
    running += 1
    const actor: Actor = {
      name,
      pace: 10 ** (2 * chance()),
      isInTransaction: name === lockHolder,
      log,
      readers,
      comeToNextNote: () =>
        new Promise((goOn) => {
          running -= 1
          readers.push(() => {
            running += 1
            goOn()
          })
          wake()
        }),
      comeToBarrier: () =>
        new Promise((goOn) => {
          running -= 1
          waiting.push({ actor, goOn })
          wake()
        }),
    }
    const run = async (): Promise<void> => {
      await barrier()
      await act()
    }
    return acting.run(actor, run).finally(() => {
      running -= 1
      wake()
    })
  })

  async function waitForRunning(): Promise<void> {
    if (waiting.some(({ actor }) => actor.isInTransaction)) {
      for (let turn = chance() * patience; turn > 0; turn -= 1) await setImmediate()
    } else if (waiting.length === 0 || chance() > overlap) {
      await new Promise<void>((resolve) => void (wake = resolve))
    }
  }

  while (running > 0 || waiting.length > 0) {
    if (running > 0) await waitForRunning()
    let rest = chance() * waiting.reduce((sum, { actor }) => sum + actor.pace, 0)
    const index = waiting.findIndex(({ actor }) => (rest -= actor.pace) < 0)
    const [next] = index === -1 ? [] : waiting.splice(index, 1)
    if (next === undefined) continue
    running += 1
    next.goOn()
  }
  await Promise.all(ended)
  return log
}

/** The store with a barrier before and after each call, and a note of what each write came to. */
export function withBarriers<Transaction>(store: Store<Transaction>): Store<Transaction> {
  const methods = Object.entries(store).map(([name, method]) => {
    if (name === 'assertTransaction' || name === 'settled') return [name, method]
    const call = method as (...given: unknown[]) => Promise<unknown>
    const atBarriers = async (...given: unknown[]): Promise<unknown> => {
      await barrier()
      try {
        const answer = await call(...given)
        note(`${name} ${answer === false || answer === null ? 'in vain' : 'done'}`)
        return answer
      } finally {
        await barrier()
      }
    }
    return [name, atBarriers]
  })
  return Object.fromEntries(methods) as Store<Transaction>
}

interface Connection {
  query(...given: unknown[]): unknown
  execute?(...given: unknown[]): unknown
}

type OnStatement = (connection: object, sql: string) => void

/** A pool whose connections have a barrier before each statement of an act, `begin` and `commit` among them. */
export function poolWithBarriers(max: number, onStatement: OnStatement): Knex.PoolConfig {
  return {
    min: 0,
    max,
    afterCreate(connection: Connection, done: (error: null, connection: Connection) => void) {
      for (const name of ['query', 'execute'] as const) {
        const run = connection[name]?.bind(connection)
        if (!run) continue
        connection[name] = (...given) => {
          const actor = acting.getStore()
          return actor
            ? runAtBarrier(actor, () => run(...given), textOf(given[0]), connection, onStatement)
            : run(...given)
        }
      }
      done(null, connection)
    },
  }
}

async function runAtBarrier(
  actor: Actor,
  run: () => unknown,
  sql: string,
  connection: object,
  onStatement: OnStatement,
): Promise<void> {
  await actor.comeToBarrier()
  if (/^(begin|start)/i.test(sql)) actor.isInTransaction = true
  if (/^(commit|rollback)/i.test(sql)) actor.isInTransaction = false
  run()
  onStatement(connection, sql)
}

function textOf(statement: unknown): string {
  if (typeof statement === 'string') return statement
  const { text, sql } = statement as { text?: string; sql?: string }
  return text ?? sql ?? ''
}
