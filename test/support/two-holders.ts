import { expect } from 'vitest'
import fc from 'fast-check'
import { memoryStore } from '../../src/memory-store.js'
import type { RefreshOutcome } from '../../src/notifier.js'
import { createFakeClock } from '../conformance/fake-clock.js'
import { codeOf } from '../conformance/harness.js'
import {
  answerOf,
  backgroundWork,
  edgeWaits,
  hour,
  openNode,
  passTime,
  redeliveryWindow,
  grace,
  tolerance,
  waitsUpTo,
  type Wait,
} from './simulation.js'

export type Name = 'owner' | 'thief'
export type Step =
  | { readonly act: 'refresh'; readonly who: Name; readonly isLost: boolean }
  | { readonly act: 'verify'; readonly who: Name }
  | Wait

/** The owner alone, then the thief copies what the owner holds, then both. */
export interface TwoHolders {
  readonly alone: readonly Step[]
  readonly both: readonly Step[]
  /** Who comes first in the last round. */
  readonly first: Name
}

/** What became of a history before its last round. */
export type Fate = 'ended' | 'lockstep' | 'loser not back yet' | 'nothing taken'
export interface Tally {
  readonly fates: Record<Fate, number>
  readonly answers: Record<string, number>
  /** Refreshes of a holder whose token was spent for good. */
  diverged: number
}

/** A pair that was handed out, and all that happened to it. */
interface Pair {
  readonly refreshToken: string
  readonly from: Pair | null
  readonly takenBy: Name
  readonly at: number
  /** Whether it stands in for a pair that nobody was seen to have. */
  readonly isLate: boolean
  readonly givenTo: Set<Name>
  isSeenInUse: boolean
}

interface Holder {
  pair: Pair
  accessToken: string
  accessPair: Pair
  expiresAt: number
}

const names = fc.constantFrom<Name>('owner', 'thief')
const rarely = fc.integer({ min: 0, max: 5 }).map((face) => face === 0)

function stepsOf(who: fc.Arbitrary<Name>): fc.Arbitrary<Step[]> {
  const refreshes = fc.record({ act: fc.constant('refresh' as const), who, isLost: rarely })
  const verifies = fc.record({ act: fc.constant('verify' as const), who })
  const waits = fc.oneof({ weight: 2, arbitrary: edgeWaits }, { weight: 3, arbitrary: waitsUpTo(5 * hour) })
  const one = fc.oneof({ weight: 3, arbitrary: refreshes }, { weight: 2, arbitrary: verifies }, waits)
  // Two refreshes with a gap between them, after which nobody may have shown the newest pair.
  const round = fc
    .tuple(waits, refreshes, waits, refreshes, fc.option(verifies, { freq: 1 }))
    .map(([wait, left, gap, right, use]): Step[] => [wait, left, gap, right, ...(use ? [use] : [])])
  return fc
    .array(
      fc.oneof(
        one.map((step): Step[] => [step]),
        round,
      ),
      { maxLength: 8, size: 'max' },
    )
    .map((parts) => parts.flat())
}

export const twoHolders: fc.Arbitrary<TwoHolders> = fc.record({
  alone: stepsOf(fc.constant('owner' as const)),
  both: stepsOf(names),
  first: names,
})

/** Plays one history and asserts after each step what `refresh-simulations.test.ts` says of two holders. */
export async function playTwoHolders({ alone, both, first }: TwoHolders, tally: Tally): Promise<void> {
  const clock = createFakeClock()
  const sessions = openNode(memoryStore(), clock)
  let reused = 0
  sessions.on('reused', () => void (reused += 1))
  const login = await sessions.create({ userId: 'user' })
  let newest = pairOf(login.refreshToken, null, 'owner', false)
  newest.isSeenInUse = true
  const handedOut = [newest]
  let isEnded = false
  const owner: Holder = {
    pair: newest,
    accessToken: login.accessToken,
    accessPair: newest,
    expiresAt: +login.expiresAt,
  }
  const holders: Record<Name, Holder> = { owner, thief: owner }

  function pairOf(refreshToken: string, from: Pair | null, takenBy: Name, isLate: boolean): Pair {
    return { refreshToken, from, takenBy, at: clock.wall(), isLate, givenTo: new Set([takenBy]), isSeenInUse: false }
  }

  /** By the history alone: what the token of this pair is good for now. */
  function expectedOf(pair: Pair): RefreshOutcome | 'refresh_token_reused' | 'session_ended' {
    if (isEnded) return 'session_ended'
    const age = clock.wall() - newest.at
    if (pair === newest) return age < grace ? 'unchanged' : 'rotated'
    if (pair !== newest.from) return 'refresh_token_reused'
    if (age < redeliveryWindow) return 'redelivered'
    return newest.isSeenInUse ? 'refresh_token_reused' : 'redelivered-late'
  }

  async function refresh(who: Name, isLost: boolean): Promise<void> {
    const { pair: shown } = holders[who]
    const expected = expectedOf(shown)
    const answer = await answerOf(sessions.refresh(shown.refreshToken))
    await backgroundWork()
    const outcome = typeof answer === 'string' ? answer : answer.outcome
    expect(outcome).toBe(expected)
    tally.answers[outcome] = (tally.answers[outcome] ?? 0) + 1
    if (typeof answer === 'string') {
      if (answer === 'refresh_token_reused') tally.diverged += 1
      isEnded = true
      return expectEnd()
    }
    if (outcome === 'rotated' || outcome === 'redelivered-late') {
      // Nobody was seen to have what a late re-delivery replaces.
      if (outcome === 'redelivered-late') expect(newest.isSeenInUse).toBe(false)
      newest = pairOf(answer.refreshToken, shown, who, outcome === 'redelivered-late')
      handedOut.push(newest)
    } else if (!newest.givenTo.has(who)) {
      // Only this soon are two holders given one and the same pair.
      expect(clock.wall() - newest.at).toBeLessThan(redeliveryWindow)
      newest.givenTo.add(who)
    }
    if (outcome === 'unchanged') newest.isSeenInUse = true
    // Whoever is answered has the newest pair: there is no second chain to be on.
    expect(answer.refreshToken).toBe(newest.refreshToken)
    expect(newest.givenTo).toContain(who)
    if (!isLost)
      holders[who] = { pair: newest, accessToken: answer.accessToken, accessPair: newest, expiresAt: +answer.expiresAt }
  }

  async function verify(who: Name): Promise<void> {
    const { accessToken, accessPair, expiresAt } = holders[who]
    const isPrevious = accessPair === newest.from && !newest.isLate && clock.wall() - newest.at < redeliveryWindow
    const isGood = accessPair === newest || isPrevious
    const isExpired = expiresAt + tolerance <= clock.wall()
    const expected = isExpired ? 'token_expired' : isEnded ? 'session_ended' : isGood ? 'accepted' : 'token_expired'
    expect(await codeOf(sessions.verify(accessToken))).toBe(expected)
    await backgroundWork()
    if (expected === 'accepted' && accessPair === newest) newest.isSeenInUse = true
  }

  /** For both, with whatever they ever held; and one spent token ended it, however many are shown afterwards. */
  async function expectEnd(): Promise<void> {
    for (const { refreshToken } of handedOut) expect(await codeOf(sessions.refresh(refreshToken))).toBe('session_ended')
    for (const who of ['owner', 'thief'] as const) await verify(who)
    expect(await sessions.list('user')).toEqual([])
    expect(reused).toBe(1)
  }

  async function play(steps: readonly Step[]): Promise<void> {
    for (const step of steps) {
      if (step.act === 'refresh') await refresh(step.who, step.isLost)
      else if (step.act === 'verify') await verify(step.who)
      else passTime(clock, step, newest.at)
    }
  }

  await play(alone)
  expect(isEnded).toBe(false)
  const taken = handedOut.length
  holders.thief = { ...holders.owner }
  for (const pair of handedOut) if (pair.givenTo.has('owner')) pair.givenTo.add('thief')
  await play(both)

  if (isEnded) tally.fates.ended += 1
  else if (handedOut.length === taken) tally.fates['nothing taken'] += 1
  else tally.fates[newest.givenTo.size === 2 ? 'lockstep' : 'loser not back yet'] += 1

  // The last round: further apart than the window, each using what it gets. Nobody survives it together with the other.
  const second = first === 'owner' ? 'thief' : 'owner'
  clock.advance(hour)
  await refresh(first, false)
  await verify(first)
  clock.advance(redeliveryWindow)
  await refresh(second, false)
  expect(isEnded).toBe(true)
}
