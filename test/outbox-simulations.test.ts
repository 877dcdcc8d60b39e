import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { isRollcallError } from '../src/errors.js'
import { memoryStore } from '../src/memory-store.js'
import { createSessions } from '../src/sessions.js'
import { ageDefects } from './support/age-defects.js'
import { breachOf, delays, maxStaleness, runDrawn, someHistory, worstOf, type Drawn } from './support/bus-histories.js'
import { findDefects, type Defect } from './support/load-with.js'
import { nodes, type History } from './support/simulated-nodes.js'
import type { Library } from './support/simulated-process.js'

// What a cache sets aside for entries that never come would be most of a history's cost.
vi.mock('lru-cache', async (load) => {
  const { LRUCache } = await load<typeof import('lru-cache')>()
  return {
    LRUCache: class extends LRUCache<object, object> {
      constructor(options: { max: number }) {
        super({ ...options, max: Math.min(options.max, 50) })
      }
    },
  }
})

const histories = 20_000
const seed = 20_261_122
const library: Library = { createSessions, memoryStore, isRollcallError }

/** Adds up what happened: a run in which nothing was tried shows nothing. */
function createSum(): { add(drawn: Drawn, history: History): void; counts: Record<string, number>; worst: Worsts } {
  const counts: Record<string, number> = {}
  const worst = { healthy: 0, flaky: 0, staleness: 0 }
  const count = (name: string, more: number): void => void (counts[name] = (counts[name] ?? 0) + more)
  return {
    counts,
    worst,
    add(drawn, history) {
      count(drawn.kind, 1)
      for (const { answer } of history.outcomes) count(answer, 1)
      count('ends', history.commits.filter(({ type }) => type === 'end').length)
      for (const [name, more] of Object.entries({ ...history.faults, ...history.bus })) count(name, more)
      const { staleness, delay } = worstOf(drawn, history)
      worst[drawn.kind] = Math.max(worst[drawn.kind], delay)
      if (drawn.kind === 'flaky') worst.staleness = Math.max(worst.staleness, staleness)
    },
  }
}

interface Worsts {
  readonly healthy: number
  readonly flaky: number
  readonly staleness: number
}

const tried =
  'healthy flaky store cache session_ended ends heard dropped doubled reordered outage miss cut deafen die'.split(' ')

describe('a roll read by four nodes that read the events of all and wake one another by a bus', () => {
  test(`accepts no verify that begins later than the delay after a revoke, nor any later than its bound, in ${histories} histories (P1, P2; ASVS 8.3.2)`, async () => {
    const { add, counts, worst } = createSum()
    await fc.assert(
      fc.asyncProperty(someHistory, async (drawn) => {
        const history = await runDrawn(library, drawn)
        expect(breachOf(drawn, history)).toBeNull()
        add(drawn, history)
      }),
      { numRuns: histories, seed },
    )
    console.log(
      `${histories} histories, ${nodes} nodes: ${tried.map((name) => `${counts[name]} ${name}`).join(', ')}: 0 late; ` +
        `worst with a healthy bus ${worst.healthy} ms of ${delays.healthy}, with a flaky one ${worst.flaky} of ${delays.flaky}, ` +
        `by age alone ${worst.staleness} of ${maxStaleness}; seed ${seed}`,
    )
    for (const name of tried) expect(counts[name] ?? 0, name).toBeGreaterThan(500)
    expect(worst.healthy).toBeGreaterThan(delays.healthy / 2)
    expect(worst.flaky).toBeGreaterThan(delays.flaky / 2)
    expect(worst.staleness).toBeGreaterThan(0.75 * maxStaleness)
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
    'if (entry && isNews)',
    'if (entry && isNews && seq % 2 === 0)',
  ],
  ['nothing is news', 'outbox/reader.ts', 'await takeAll(first, until, true)', 'await takeAll(first, until, false)'],
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
  ['what the bus says is ignored', 'outbox/bus-link.ts', 'if (isLook) work.wake()', ''],
  [
    'one link in four does not hear the others',
    'outbox/bus-link.ts',
    'if (isLook) work.wake()',
    "if (isLook && work.name >= 'Q') work.wake()",
  ],
  ['a change is not said on the bus', 'ask-store.ts', 'outbox?.announce()', ''],
  [
    'a change that its own node read first is not said on the bus',
    'ask-store.ts',
    'outbox?.announce()\n    if (outbox?.claim(event.id) === false) return',
    'if (outbox?.claim(event.id) === false) return\n    outbox?.announce()',
  ],
  [
    'a change is said before it is committed',
    'revoke.ts',
    `  const ended = await askToEnd(context, { userId: user, sid }, () =>
    askStore(context, options?.transaction, (store, scope) => store.remove({ userId: user, sid }, event, scope)),
  )
  if (ended) announce(context, { ...event, tokenVersion: null }, options?.transaction)`,
    `  announce(context, { ...event, tokenVersion: null }, options?.transaction)
  const ended = await askToEnd(context, { userId: user, sid }, () =>
    askStore(context, options?.transaction, (store, scope) => store.remove({ userId: user, sid }, event, scope)),
  )`,
  ],
  [
    'what comes while another is being said is not said',
    'outbox/bus-link.ts',
    'saying = []\n        say()',
    'saying = []',
  ],
  ['a wake while a look is under way is lost', 'outbox/outbox.ts', 'if (isWoken && failures === 0) return next()', ''],
  [
    'a link that comes back is as if it had never been away',
    'outbox/outbox.ts',
    'gap: () => (forgetAll(), looks.wake()),',
    'gap() {},',
  ],
  [
    'a look that fails is told of as one that succeeded',
    'outbox/outbox.ts',
    'failures += 1\n      failed += 1',
    'lookedAt = begunAt\n      failures += 1\n      failed += 1',
  ],
  ...ageDefects,
]

describe('the same check', () => {
  test('finds every defect that is put in, some by the one oracle and some by the other', async () => {
    const found = await findDefects(defects, seed, someHistory, async (broken, drawn) =>
      breachOf(drawn, await runDrawn(broken, drawn)),
    )
    console.log(`${defects.length} defects put in:\n${found.join('\n')}`)
    expect(found.filter((line) => line.startsWith('NOT'))).toEqual([])
    for (const oracle of ['oracle 1', 'oracle 2']) expect(found.join()).toContain(oracle)
  }, 900_000)
})
