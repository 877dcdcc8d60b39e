import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isRollcallError } from '../src/errors.js'
import { memoryStore } from '../src/memory-store.js'
import { createSessions } from '../src/sessions.js'
import { ageDefects } from './support/age-defects.js'
import { isAccept, isEndOf, lateness } from './support/lateness.js'
import { findDefects, type Defect } from './support/load-with.js'
import { maxStaleness, nodes, runHistory, storeTimeout, type History, type Step } from './support/simulated-nodes.js'
import type { Library } from './support/simulated-process.js'

const histories = 10_000
const seed = 20_261_122
const library: Library = { createSessions, memoryStore, isRollcallError }

const step = fc.record({
  gap: fc.nat({ max: 600 }),
  node: fc.nat({ max: nodes - 1 }),
  user: fc.nat({ max: 1 }),
  act: fc.oneof(
    { weight: 5, arbitrary: fc.constantFrom('verify', 'verify', 'strict') },
    { weight: 2, arbitrary: fc.constantFrom('login', 'revoke', 'others', 'all') },
    { weight: 1, arbitrary: fc.constantFrom('suspend', 'jump', 'sleep', 'outage') },
  ),
  size: fc.nat({ max: 2_000 }),
  there: fc.oneof(fc.nat({ max: 20 }), fc.nat({ max: 1_500 })),
  back: fc.oneof(fc.nat({ max: 20 }), fc.nat({ max: 1_500 })),
}) as fc.Arbitrary<Step>
const someSteps = fc
  .array(step, { minLength: 10, maxLength: 40 })
  .map((steps): Step[] =>
    [0, 1].map((user): Step => ({ ...steps[0]!, user, act: 'login', there: 0, back: 0 })).concat(steps),
  )

/** What P1 and P6 promise, and that nobody is refused without a reason. Answers the first breach, or `null`. */
function breachOf(history: History): string | null {
  for (const outcome of history.outcomes) {
    const { key, bound, took, answer } = outcome
    const late = isAccept(outcome) ? lateness(history, outcome) : null
    if (late !== null && late > bound) return `accepted ${late} ms after the end, with a bound of ${bound} ms`
    if (took > storeTimeout) return `answered after ${took} ms`
    const isOver = history.commits.some((commit) => isEndOf(commit, key))
    const isKnown = isAccept(outcome) || ['store_unavailable', 'session_ended', 'user_suspended'].includes(answer)
    if (!isKnown || (answer === 'session_ended' && !isOver)) return `refused with ${answer} for nothing`
  }
  return null
}

describe('a roll read by four nodes that hear nothing from one another', () => {
  test(`is never accepted on later than its bound, in ${histories} histories of slow, failing and overtaking reads (P1, P6; ASVS 8.3.2)`, async () => {
    const sum = { verifies: 0, accepts: 0, cached: 0, ends: 0, faults: 0, refused: 0, unavailable: 0, worst: 0 }
    await fc.assert(
      fc.asyncProperty(someSteps, async (steps) => {
        const history = await runHistory(library, steps)
        expect(breachOf(history)).toBeNull()
        for (const outcome of history.outcomes) {
          sum.verifies += 1
          if (isAccept(outcome)) sum.accepts += 1
          if (outcome.answer === 'cache') sum.cached += 1
          if (outcome.answer === 'session_ended') sum.refused += 1
          if (outcome.answer === 'store_unavailable') sum.unavailable += 1
          if (isAccept(outcome) && outcome.bound > 0) sum.worst = Math.max(sum.worst, lateness(history, outcome) ?? 0)
        }
        sum.ends += history.commits.filter(({ type }) => type === 'end').length
        sum.faults += history.faults.outage
      }),
      { numRuns: histories, seed, endOnFailure: true },
    )
    const { verifies, accepts, cached, ends, faults, refused, unavailable, worst } = sum
    console.log(
      `${histories} histories, ${nodes} nodes, no bus: ${verifies} verifies, ${accepts} accepts (${cached} from the cache), ` +
        `${refused} ended, ${unavailable} unavailable, ${ends} ends, ${faults} outages: 0 late; worst ${worst} ms of ${maxStaleness}; seed ${seed}`,
    )
    // A run in which nothing was tried shows nothing.
    for (const count of [accepts, cached, ends, faults, refused, unavailable]) expect(count).toBeGreaterThan(1_000)
    expect(worst).toBeGreaterThan(0.9 * maxStaleness)
  }, 900_000)
})

/** What could be wrong, and would be found. Each replaces a text of the sources that must be there. */
const defects: readonly Defect[] = [
  ...ageDefects,
  [
    'age is told by the wall clock alone',
    'lookup/session-cache.ts',
    ' && now.mono - startedAt.mono <= maxStaleness',
    '',
  ],
  ['age is told by the monotonic clock alone', 'lookup/session-cache.ts', 'wall >= 0 && wall <= maxStaleness && ', ''],
  [
    'a wall clock that was set back makes a read young',
    'lookup/session-cache.ts',
    'wall >= 0 && wall <= maxStaleness && now.mono - startedAt.mono <= maxStaleness',
    'wall <= maxStaleness',
  ],
  [
    'a read that took too long is accepted on',
    'verify.ts',
    '(maxStaleness === 0 || isFresh(read.startedAt, maxStaleness, now))',
    'true',
  ],
  [
    'a strict verify joins a read under way',
    'lookup/reads.ts',
    'const ticket = queue.get(name) ?? {',
    'const ticket = latest.get(name) ?? queue.get(name) ?? {',
  ],
  [
    'a strict verify takes what is kept',
    'verify.ts',
    'const maxStaleness = chooseStaleness(policy.maxStaleness, options?.maxStaleness)',
    'const maxStaleness = policy.maxStaleness',
  ],
  ['what is kept is believed for ever', 'lookup/session-cache.ts', 'return wall >= 0', 'return true || wall >= 0'],
  [
    'an outage is answered with what is kept',
    'verify.ts',
    'const found = isKept ? kept : await readStanding(context, claims, rules, maxStaleness, begun.mono)',
    'const old = context.lookup.recall(claims, Infinity, now)\n  const found = isKept ? kept : await readStanding(context, claims, rules, maxStaleness, begun.mono).catch((error: unknown) => { if (old) return old; throw error })',
  ],
  [
    'a verify waits for ever',
    'lookup/batch.ts',
    'const cancel = clock.after(timeout, () => {',
    'const cancel = clock.after(timeout * 10, () => {',
  ],
]

describe('the same check', () => {
  test('finds every defect that is put in (a checker that finds nothing checks nothing)', async () => {
    const found = await findDefects(defects, seed, someSteps, async (broken, steps) =>
      breachOf(await runHistory(broken, steps)),
    )
    console.log(`${defects.length} defects put in:\n${found.join('\n')}`)
    expect(found.filter((line) => line.startsWith('NOT'))).toEqual([])
  }, 900_000)
})
