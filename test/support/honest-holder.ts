import { createHash } from 'node:crypto'
import { expect } from 'vitest'
import fc from 'fast-check'
import { memoryStore } from '../../src/memory-store.js'
import type { RefreshOutcome } from '../../src/notifier.js'
import type { RefreshRecord, RotatedSession, Store } from '../../src/ports/store.js'
import type { Refreshed } from '../../src/refresh.js'
import { createFakeClock } from '../conformance/fake-clock.js'
import { codeOf } from '../conformance/harness.js'
import {
  answerOf,
  backgroundWork,
  edgeWaits,
  grace,
  hour,
  openNode,
  passTime,
  redeliveryWindow,
  tolerance,
  waitsUpTo,
  type Wait,
} from './simulation.js'

interface Call {
  readonly node: 0 | 1
  readonly isLost: boolean
}

type Step =
  | { readonly act: 'refresh'; readonly calls: readonly Call[]; readonly isUsedAtOnce: boolean }
  | { readonly act: 'verify'; readonly node: 0 | 1 }
  | { readonly act: 'repeat the last request'; readonly node: 0 | 1 }
  | { readonly act: 'writes of a first use'; readonly fail: boolean }
  | { readonly act: 'fail over' }
  | { readonly act: 'catch up' }
  | Wait

export interface HonestHolder {
  /** By how much the clock of the second node is ahead of the first one's. */
  readonly skew: number
  readonly steps: readonly Step[]
}

export interface HonestTally {
  readonly answers: Record<string, number>
  lost: number
  failedWrites: number
  failovers: number
  /** Requests sent at once that were answered with two different tokens. */
  split: number
}

const node = fc.constantFrom(0 as const, 1 as const)
const call = fc.record({ node, isLost: fc.boolean() })
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      act: fc.constant('refresh' as const),
      calls: fc.oneof({ weight: 3, arbitrary: fc.tuple(call) }, fc.array(call, { minLength: 2, maxLength: 4 })),
      isUsedAtOnce: fc.boolean(),
    }),
  },
  { weight: 3, arbitrary: fc.record({ act: fc.constant('verify' as const), node }) },
  { weight: 1, arbitrary: fc.record({ act: fc.constant('repeat the last request' as const), node }) },
  { weight: 1, arbitrary: fc.record({ act: fc.constant('writes of a first use' as const), fail: fc.boolean() }) },
  { weight: 1, arbitrary: fc.constantFrom({ act: 'fail over' as const }, { act: 'catch up' as const }) },
  { weight: 3, arbitrary: edgeWaits },
  { weight: 3, arbitrary: waitsUpTo(72 * hour) },
)

export const honestHolder: fc.Arbitrary<HonestHolder> = fc.record({
  skew: fc.oneof(fc.constantFrom(-tolerance, 0, tolerance), fc.integer({ min: -tolerance, max: tolerance })),
  steps: fc.array(step, { minLength: 4, maxLength: 16, size: 'max' }),
})

/** The memory store, with writes that fail when they are told to, and a row that can be set back by one rotation. */
interface FaultyStore {
  readonly store: Store
  writesFail: boolean
  failedWrites: number
  newestMadeAt: number
  /** Loses the last rotation, as a failover to a replica that lags does. Answers whether there was one. */
  failOver(): Promise<boolean>
  /** The replica has it after all, unless the row moved on. */
  catchUp(): Promise<void>
  /** Whether the token is of a rotation that is lost. */
  isLost(refreshToken: string): boolean
}

interface Rotated {
  readonly before: RefreshRecord
  readonly after: RefreshRecord
}

function createFaultyStore(): FaultyStore {
  const inner = memoryStore()
  let last: Rotated | null = null
  let undone: Rotated | null = null
  const replace = async ({ userId, sid, refreshToken }: RefreshRecord, by: RefreshRecord): Promise<boolean> =>
    inner.rotate({ userId, sid }, { hash: refreshToken!.hash, onlyUnused: false }, by as RotatedSession, {})

  const faulty: FaultyStore = {
    writesFail: false,
    failedWrites: 0,
    newestMadeAt: 0,
    store: {
      ...inner,
      async rotate(key, from, rotated, scope) {
        const before = await inner.readForRefresh(key, scope)
        const hasWon = await inner.rotate(key, from, rotated, scope)
        if (hasWon) {
          last = { before: before!, after: { ...before!, ...rotated } }
          undone = null
          faulty.newestMadeAt = rotated.rotation.rotatedAt
        }
        return hasWon
      },
      async markUsed(...given) {
        if (!faulty.writesFail) return inner.markUsed(...given)
        faulty.failedWrites += 1
        throw new Error('this write fails')
      },
    },
    async failOver() {
      if (last === null || !(await replace(last.after, last.before))) return false
      faulty.newestMadeAt = last.before.rotation!.rotatedAt
      undone = last
      last = null
      return true
    },
    async catchUp() {
      if (undone === null || !(await replace(undone.before, undone.after))) return
      faulty.newestMadeAt = undone.after.rotation!.rotatedAt
      last = undone
      undone = null
    },
    isLost: (refreshToken) =>
      undone?.after.refreshToken?.hash === createHash('sha256').update(refreshToken).digest('base64url'),
  }
  return faulty
}

const order: readonly RefreshOutcome[] = ['unchanged', 'redelivered', 'rotated', 'redelivered-late']

/** Plays one history and asserts after each step that the holder is not logged out. */
export async function playHonestHolder({ skew, steps }: HonestHolder, tally: HonestTally): Promise<void> {
  const clock = createFakeClock()
  const ahead = { wall: () => clock.wall() + skew }
  const faulty = createFaultyStore()
  const nodes = [openNode(faulty.store, clock), openNode(faulty.store, ahead)] as const
  let held: Pick<Refreshed, 'refreshToken' | 'accessToken' | 'expiresAt'> = await nodes[0].create({ userId: 'user' })
  faulty.newestMadeAt = clock.wall()
  let lastSent: { refreshToken: string; at: number } | null = null

  async function send(node: 0 | 1, refreshToken: string): Promise<Refreshed | null> {
    const expected = faulty.isLost(refreshToken) ? 'store_behind' : 'answered'
    const answer = await answerOf(nodes[node].refresh(refreshToken))
    expect(typeof answer === 'string' ? answer : 'answered').toBe(expected)
    const outcome = typeof answer === 'string' ? answer : answer.outcome
    tally.answers[outcome] = (tally.answers[outcome] ?? 0) + 1
    return typeof answer === 'string' ? null : answer
  }

  /** The nodes by whose clocks the window is over. */
  function nodesPastWindow(): (0 | 1)[] {
    return ([0, 1] as const).filter((node) => [clock, ahead][node]!.wall() >= faulty.newestMadeAt + redeliveryWindow)
  }

  async function refresh({ calls, isUsedAtOnce }: Step & { act: 'refresh' }): Promise<void> {
    const { refreshToken } = held
    // Where they differ, one node would deliver a pair again that the other replaces or, before a failover, did: see the test.
    const past = nodesPastWindow()
    const only = past.length === 1 ? past[0] : undefined
    lastSent = { refreshToken, at: clock.wall() }
    const answers = await Promise.all(calls.map(({ node }) => send(only ?? node, refreshToken)))
    await backgroundWork()
    const arrived = answers.filter((answer, index) => answer !== null && !calls[index]!.isLost) as Refreshed[]
    tally.lost += calls.filter(({ isLost }) => isLost).length
    if (new Set(arrived.map((answer) => answer.refreshToken)).size > 1) tally.split += 1
    // An answer that brings nothing new replaces nothing that is.
    const newest = arrived.toSorted((one, other) => order.indexOf(other.outcome) - order.indexOf(one.outcome))[0]
    if (newest === undefined) return
    held = newest
    if (isUsedAtOnce) {
      for (const node of nodes) expect(await codeOf(node.verify(held.accessToken))).toBe('accepted')
      await backgroundWork()
    }
  }

  /** As a proxy does, and nobody waits for that answer. */
  async function repeat(node: 0 | 1, { refreshToken, at }: { refreshToken: string; at: number }): Promise<void> {
    const isLate =
      clock.wall() >= at + grace - tolerance || (nodesPastWindow().length > 0 && refreshToken !== held.refreshToken)
    // So late, or after the loss of what it brought the first time, it is a second holder's use: see the test.
    if (!isLate && !faulty.isLost(held.refreshToken)) await send(node, refreshToken)
  }

  async function verify(node: 0 | 1): Promise<void> {
    expect(['accepted', 'token_expired']).toContain(await codeOf(nodes[node].verify(held.accessToken)))
    await backgroundWork()
  }

  for (const step of steps) {
    if (step.act === 'refresh') await refresh(step)
    else if (step.act === 'verify') await verify(step.node)
    else if (step.act === 'writes of a first use') faulty.writesFail = step.fail
    else if (step.act === 'fail over') tally.failovers += Number(await faulty.failOver())
    else if (step.act === 'catch up') await faulty.catchUp()
    else if (step.act !== 'repeat the last request') passTime(clock, step, faulty.newestMadeAt)
    else if (lastSent !== null) await repeat(step.node, lastSent)
  }

  // At the end all is well again: the holder gets its next pair and it works on both nodes.
  await faulty.catchUp()
  if (faulty.isLost(held.refreshToken)) return
  clock.advance(hour)
  await refresh({ act: 'refresh', calls: [{ node: 0, isLost: false }], isUsedAtOnce: true })
  tally.failedWrites += faulty.failedWrites
  expect(await nodes[0].list('user')).toHaveLength(1)
}
