import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isRollcallError } from '../src/errors.js'
import { memoryStore } from '../src/memory-store.js'
import { createSessions } from '../src/sessions.js'
import { isAccept, lateness } from './support/lateness.js'
import { findDefects, type Defect } from './support/load-with.js'
import {
  nodes,
  runHistory,
  type History,
  type Library,
  type NodeOptions,
  type Step,
} from './support/simulated-nodes.js'

const histories = 10_000
const seed = 20_261_122
const library: Library = { createSessions, memoryStore, isRollcallError }
const pollInterval = 100
/** The longest way to the database, and back. */
const way = 100
/** A change that just misses a look waits for its answer, for the interval, and for the next look. */
const delay = pollInterval + 3 * way
/** So long that it bounds nothing here. */
const options: NodeOptions = { freshness: { maxStaleness: '1h' }, outbox: { pollInterval, window: '1s' } }

const step = fc.record({
  gap: fc.nat({ max: 300 }),
  node: fc.nat({ max: nodes - 1 }),
  user: fc.nat({ max: 1 }),
  act: fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom('verify', 'verify', 'verify', 'strict') },
    { weight: 2, arbitrary: fc.constantFrom('login', 'revoke', 'others', 'all') },
  ),
  size: fc.nat({ max: 2_000 }),
  there: fc.nat({ max: way }),
  back: fc.nat({ max: way }),
}) as fc.Arbitrary<Step>
const someSteps = fc
  .array(step, { minLength: 10, maxLength: 40 })
  .map((steps): Step[] =>
    [0, 1].map((user): Step => ({ ...steps[0]!, user, act: 'login', there: 0, back: 0 })).concat(steps),
  )

/** How long after the end of its session each accepted verify began. */
function delaysOf(history: History): number[] {
  return history.outcomes.filter(isAccept).map((outcome) => lateness(history, { ...outcome, bound: 0 }) ?? -Infinity)
}

describe('a roll read by four nodes that read the events of all', () => {
  test(`accepts no verify that begins later than the delay after a revoke, in ${histories} histories (P2)`, async () => {
    const sum = { accepts: 0, cached: 0, ends: 0, refused: 0, worst: 0 }
    await fc.assert(
      fc.asyncProperty(someSteps, async (steps) => {
        const history = await runHistory(library, steps, options)
        const worst = Math.max(0, ...delaysOf(history))
        expect(worst).toBeLessThanOrEqual(delay)
        sum.worst = Math.max(sum.worst, worst)
        sum.ends += history.commits.filter(({ type }) => type === 'end').length
        for (const { answer } of history.outcomes) {
          if (answer === 'store' || answer === 'cache') sum.accepts += 1
          if (answer === 'cache') sum.cached += 1
          if (answer === 'session_ended') sum.refused += 1
        }
      }),
      { numRuns: histories, seed, endOnFailure: true },
    )
    const { accepts, cached, ends, refused, worst } = sum
    console.log(
      `${histories} histories, ${nodes} nodes, a look every ${pollInterval} ms: ${accepts} accepts (${cached} from the cache), ` +
        `${refused} ended, ${ends} ends: 0 began later than ${delay} ms after the end; worst ${worst} ms; seed ${seed}`,
    )
    for (const count of [accepts, cached, ends, refused]) expect(count).toBeGreaterThan(1_000)
    expect(worst).toBeGreaterThan(delay / 2)
  }, 900_000)
})

const defects: readonly Defect[] = [
  ['events are read and nothing is forgotten', 'outbox/outbox.ts', 'lookup.changed(event)', 'void lookup'],
  [
    'a read that is under way when the event comes is kept',
    'lookup/lookup.ts',
    'reads.overtake(userId, sid)\n  }',
    '}',
  ],
  [
    'what is read first is skipped',
    'outbox/reader.ts',
    'if (!entry && isNews) deliver(event)',
    'if (!entry && isNews && seq % 2 === 0) deliver(event)',
  ],
  ['nothing is news', 'outbox/reader.ts', 'await takeAll(first, true)', 'await takeAll(first, false)'],
  [
    'looks end after the first',
    'outbox/outbox.ts',
    'cancel = clock.after(wait',
    'if (lookedAt !== null && work.chance() < 2) return\n    cancel = clock.after(wait',
  ],
  [
    'an end of one session forgets another',
    'lookup/lookup.ts',
    'forget(userId, isOne ? sid : null)',
    'forget(userId, isOne ? `${sid}x` : null)',
  ],
]

describe('the same check', () => {
  test('finds every defect that is put in', async () => {
    const found = await findDefects(defects, seed, someSteps, async (broken, steps) =>
      delaysOf(await runHistory(broken, steps, options)).every((late) => late <= delay),
    )
    console.log(`${defects.length} defects put in:\n${found.join('\n')}`)
    expect(found.filter((line) => line.startsWith('NOT'))).toEqual([])
  }, 900_000)
})
