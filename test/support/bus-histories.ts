import fc from 'fast-check'
import type { OutboxOptions } from '../../src/settings.js'
import { endOf, isAccept, lateness } from './lateness.js'
import {
  nodes,
  runHistory,
  type Fault,
  type History,
  type NodeOptions,
  type Outcome,
  type Step,
} from './simulated-nodes.js'
import type { Library } from './simulated-process.js'

/** A history to be run, with the bus that its nodes have. */
export interface Drawn {
  readonly kind: 'healthy' | 'flaky'
  readonly seed: number
  readonly drop: number
  readonly steps: readonly Step[]
}

/** The longest way to the database, and back. */
const way = 50
/** How long a healthy bus takes at most, and how long to acknowledge a message. */
const busDelay = 50
const acknowledgement = 100
const pollInterval = 150
/** Of the flaky; where it is a healthy bus that bounds, it is so long that it bounds nothing. */
export const maxStaleness = 500

/**
 * How long after a commit a node may not know of it, in milliseconds.
 *
 * Healthy, by the bus: the answer to the commit is one way; the message before, which its node may be saying still, takes
 * its time to be acknowledged, and the message itself a delay to be heard. A look that it finds under way either began
 * after the commit and sees it, or ends within a way of the commit; the look behind it is a way there and one back. A
 * node whose link was cut keeps nothing from before it hears again, so that this holds for all that hear.
 *
 * Flaky, by the interval alone: a look that just missed the commit takes a way to end, then comes the interval (less by
 * up to a quarter), then a look, there and back. Where a process begins, its first look reads twice, which is four ways.
 * A node whose reads of the events failed waits for longer, and is bounded by `maxStaleness` alone; but what it says it
 * knows, it must know.
 */
export const delays: Readonly<Record<Drawn['kind'], number>> = {
  healthy: 3 * way + acknowledgement + busDelay,
  flaky: Math.max(pollInterval, way) + 3 * way,
}

const rare: readonly Fault[] = ['outage', 'miss', 'miss', 'miss', 'cut', 'deafen', 'die']
const someTime = fc.nat({ max: way })
const anyNode = fc.nat({ max: nodes - 1 })

const verifies: readonly Step['act'][] = ['verify', 'verify', 'verify', 'verify', 'verify', 'verify', 'strict']
const ends: readonly Step['act'][] = ['revoke', 'others', 'all']
// The links are there before anything happens.
const login: Step = { gap: 3 * busDelay, node: 0, user: 0, act: 'login', size: 0, there: 0, back: 0 }
const logins: readonly Step[] = [login, { ...login, gap: 0, user: 1 }]

function stepOf(
  node: fc.Arbitrary<number>,
  acts: readonly Step['act'][],
  gap: fc.Arbitrary<number>,
): fc.Arbitrary<Step> {
  return fc.record({
    gap,
    node,
    user: fc.nat({ max: 1 }),
    act: fc.constantFrom(...acts),
    size: fc.nat({ max: 2_000 }),
    there: someTime,
    back: someTime,
  })
}

function stepsOf(
  changing: fc.Arbitrary<number>,
  disturbed: fc.Arbitrary<number>,
  faults: readonly Fault[],
  weight: number,
): fc.Arbitrary<readonly Step[]> {
  const gap = fc.oneof(fc.nat({ max: 30 }), fc.nat({ max: 250 }))
  const step = fc.oneof(
    { weight: 14, arbitrary: stepOf(anyNode, verifies, gap) },
    { weight: 4, arbitrary: stepOf(changing, ['login', 'login', ...ends], gap) },
    { weight, arbitrary: stepOf(disturbed, faults, gap) },
  )
  const plain = fc.array(step, { minLength: 10, maxLength: 40 })
  const bursts = fc.array(burstOf(changing), { minLength: 1, maxLength: 4 }).map((all) => all.flat())
  return fc
    .oneof({ weight: 2, arbitrary: plain }, { weight: 1, arbitrary: bursts })
    .map((steps) => [...logins, ...steps])
}

/** What is kept ends for both users at nearly the same time, and is asked for when that must be known: most races are there. */
function burstOf(changing: fc.Arbitrary<number>): fc.Arbitrary<readonly Step[]> {
  const soon = fc.nat({ max: 40 })
  const verify = stepOf(anyNode, ['verify'], soon)
  return fc
    .tuple(
      fc.array(verify, { minLength: 6, maxLength: 6 }),
      stepOf(changing, ends, fc.constant(6 * way)),
      stepOf(changing, ends, fc.oneof(soon, fc.nat({ max: 4 * way }))),
      stepOf(anyNode, ['verify'], fc.constant(delays.flaky + way)),
      verify,
      verify,
    )
    .map(([kept, first, second, ...asked]) =>
      [...kept, { ...first, user: 0 }, { ...second, user: 1 }, ...asked].map((step) => ({ ...step, size: 1 })),
    )
    .map((steps) => [...logins, ...steps])
}

function drawnOf(
  kind: Drawn['kind'],
  drop: fc.Arbitrary<number>,
  steps: fc.Arbitrary<readonly Step[]>,
): fc.Arbitrary<Drawn> {
  return fc.record({ kind: fc.constant(kind), seed: fc.nat(), drop, steps })
}

/**
 * Half are healthy, where no message is lost but by a node whose link is cut. Who changes something keeps its link there:
 * what is to be said while it has none is said later.
 */
export const someHistory: fc.Arbitrary<Drawn> = fc.oneof(
  drawnOf('healthy', fc.constant(0), stepsOf(fc.constantFrom(0, 1), fc.constantFrom(2, 3), ['cut'], 1)),
  drawnOf('flaky', fc.constantFrom(0.1, 0.5, 1), stepsOf(anyNode, anyNode, rare, 2)),
)

function optionsOf({ kind, seed, drop }: Drawn): NodeOptions {
  const outbox: OutboxOptions = { window: '1s' }
  // Nothing that is promised here depends on how long these take, and races are with them.
  const slowness = 3
  return kind === 'healthy'
    ? {
        seed,
        slowness,
        maxStaleness: 3_600_000,
        outbox: { ...outbox, pollInterval: '10s', heartbeat: '5s' },
        weather: { delay: busDelay, acknowledgement, drop, double: 0.1 },
      }
    : {
        seed,
        slowness,
        maxStaleness,
        outbox: { ...outbox, pollInterval, heartbeat: 500 },
        weather: { delay: 4 * busDelay, acknowledgement, drop, double: 0.2 },
      }
}

export function runDrawn(library: Library, drawn: Drawn): Promise<History> {
  return runHistory(library, drawn.steps, optionsOf(drawn))
}

/** How late the acceptances of a history were at the worst. */
export interface Worst {
  /** After the end of the session, where only `maxStaleness` bounds it. */
  readonly staleness: number
  /** From the end to the beginning of the verify, where the bus or the interval bounds it. */
  readonly delay: number
}

export function worstOf({ kind }: Drawn, history: History): Worst {
  const accepts = history.outcomes.filter(isAccept)
  const kept = accepts.filter(({ bound }) => bound > 0)
  return {
    staleness: Math.max(0, ...kept.map((outcome) => lateness(history, outcome) ?? 0)),
    delay: Math.max(0, ...accepts.filter((outcome) => isHearing(kind, outcome)).map((each) => delayOf(history, each))),
  }
}

/** Answers the first breach, by which oracle it was found, or `null`. */
export function breachOf({ kind }: Drawn, history: History): string | null {
  for (const outcome of history.outcomes.filter(isAccept)) {
    const { bound, knownTo } = outcome
    const late = lateness(history, outcome)
    if (late !== null && late > bound) return `oracle 1: accepted ${late} ms after the end, ${bound} allowed`
    const delay = delayOf(history, outcome)
    if (isHearing(kind, outcome) && delay > delays[kind])
      return `oracle 2, ${kind}: began ${delay} ms after the end, ${delays[kind]} allowed`
    const end = endOf(history, outcome)
    if (end && end.at < knownTo) return `oracle 2, ${kind}: began ${delay} ms after an end that its node says it knows`
  }
  return null
}

/** Whether the process that answered was bounded by more than `maxStaleness` when it was asked. */
function isHearing(kind: Drawn['kind'], { isUp, life, begun }: Outcome): boolean {
  return kind === 'healthy' ? isUp : life.missedAt > begun
}

/** How long after the end of its session a verify began. */
function delayOf(history: History, outcome: Outcome): number {
  const end = endOf(history, outcome)
  return end ? outcome.begun - end.at : -Infinity
}
