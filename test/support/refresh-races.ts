import { expect } from 'vitest'
import type { Store } from '../../src/ports/store.js'
import type { Refreshed } from '../../src/refresh.js'
import type { Sessions } from '../../src/sessions.js'
import type { TokenPair } from '../../src/token-pair.js'
import { systemClock, type Clock } from '../../src/ports/clock.js'
import { createFakeClock, type FakeClock } from '../conformance/fake-clock.js'
import { answerOf } from './simulation.js'
import { chanceOf, type Chance } from './chance.js'
import { interleave, note } from './turns.js'

export const grace = 30_000
/** The clock of a node that prunes is ahead by so much. */
const ahead = 1

/** Where races are run: a store with barriers in it, and the verbs over it. */
export interface Ground {
  readonly name: string
  readonly store: Store
  readonly clock: FakeClock
  readonly sessions: Verbs
  /** The same on a node whose clock is ahead. */
  readonly aheadSessions: Verbs
}

type Verbs = Sessions<Record<never, never>, never, string>

export function openGround(name: string, store: Store, open: (clock: Clock) => Verbs): Ground {
  // The pauses between two tries take no time here; the deadline of a call stays a real one.
  const after: Clock['after'] = (ms, callback) => {
    if (ms >= 1_000) return systemClock.after(ms, callback)
    const pause = setImmediate(callback)
    return () => clearImmediate(pause)
  }
  const clock = { ...createFakeClock(), after }
  const aheadClock = { wall: () => clock.wall() + ahead, mono: () => clock.mono(), after }
  return { name, store, clock, sessions: open(clock), aheadSessions: open(aheadClock) }
}

/** One session whose refresh token is shown in a race. */
export interface Login {
  readonly userId: string
  readonly sid: string
  readonly first: TokenPair<string>
  /** What refreshes were answered with, or refused with. */
  readonly answers: (Refreshed | string)[]
}

/** Two acts, and what must be true once both are settled. */
export interface Round {
  readonly login: Login
  readonly acts: Readonly<Record<string, () => Promise<void>>>
  /** The act that holds a lock from the start. */
  readonly lockHolder?: string | undefined
  /** Right after. Answers what the round is to be counted as. */
  judge(log: readonly string[]): Promise<string>
  /** When the pair of the race is due for a rotation. */
  judgeLater?(): Promise<void>
}

export interface Race {
  readonly title: string
  /** How every run has to have come out now and then. */
  readonly sides: readonly string[]
  /** Schedules run at the same time; 1 where an act touches more than its own user. */
  readonly atOnce?: number
  /** How long after the login. */
  wait?(round: number): number
  prepare(ground: Ground, userId: string, chance: Chance): Promise<Round>
}

export async function logIn({ sessions }: Ground, userId: string, idleLifetime = 3_600_000): Promise<Login> {
  const first = await sessions.create({ userId, idleLifetime })
  return { userId, sid: first.session.sid, first, answers: [] }
}

export async function refreshFirst({ sessions }: Ground, { first, answers }: Login): Promise<void> {
  try {
    answers.push(await answerOf(sessions.refresh(first.refreshToken)))
  } finally {
    note(answered)
  }
}

/** No pair that was handed out works, and no row brings one back. */
export async function expectDead({ sessions, store }: Ground, { userId, sid, first, answers }: Login): Promise<void> {
  const pairs = [first, ...answers.filter((answer) => typeof answer !== 'string')]
  for (const { accessToken, refreshToken } of pairs) {
    expect(await answerOf(sessions.verify(accessToken))).toBe('session_ended')
    expect(await answerOf(sessions.refresh(refreshToken))).toBe('session_ended')
  }
  const row = await store.readForRefresh({ userId, sid }, {})
  expect(row === null || row.tokenVersion < row.user.tokenVersion).toBe(true)
  expect((await sessions.list(userId)).map((session) => session.sid)).not.toContain(sid)
}

/** The pair the holder was left with works. */
export async function expectAlive({ sessions }: Ground, login: Login): Promise<void> {
  const { accessToken } = lastPair(login)
  expect(await answerOf(sessions.verify(accessToken))).toMatchObject({ sid: login.sid })
  expect((await sessions.list(login.userId)).map((session) => session.sid)).toContain(login.sid)
}

/** It also refreshes, and what that brings works. */
export async function expectGoesOn({ sessions }: Ground, login: Login): Promise<void> {
  const next = (await answerOf(sessions.refresh(lastPair(login).refreshToken))) as Refreshed
  expect(next).toMatchObject({ outcome: 'rotated' })
  expect(await answerOf(sessions.verify(next.accessToken))).toMatchObject({ sid: login.sid })
}

export function lastPair({ first, answers }: Login): TokenPair<string> {
  return answers.findLast((answer) => typeof answer !== 'string') ?? first
}

/** Which write of the two came first, and whether the other one came between the read and the write of the refresh. */
export function orderOf(log: readonly string[], other: string): string {
  const [read, rotated, changed] = ['refresh: readForRefresh', 'refresh: rotate', other].map((what) =>
    log.findIndex((entry) => entry.startsWith(what)),
  ) as [number, number, number]
  if (rotated !== -1 && rotated < changed) return 'refresh first'
  return rotated !== -1 && read < changed ? 'between read and write' : 'refresh last'
}

/** What is noted when a refresh is over. */
export const answered = 'answered'

export const orders: readonly string[] = ['refresh first', 'between read and write', 'refresh last']

/** Runs a race in so many schedules and answers how often it came out how. */
export async function runRace(
  ground: Ground,
  { title, sides, atOnce = 10, wait = () => grace, prepare }: Race,
  schedules: number,
): Promise<void> {
  const seed = Number(process.env['ROLLCALL_TEST_SEED'] ?? Math.floor(Math.random() * 2 ** 31))
  const counts = Object.fromEntries(sides.map((side) => [side, 0]))
  const each = <Value>(work: (index: number) => Promise<Value>): Promise<Value[]> =>
    Promise.all(Array.from({ length: atOnce }, (_, index) => work(index)))
  for (let round = 0; round < schedules; round += atOnce) {
    const chances = Array.from({ length: atOnce }, (_, index) => chanceOf(seed + round + index))
    const rounds = await each((index) => prepare(ground, `${title}-${round + index}`, chances[index]!))
    ground.clock.advance(wait(round))
    const logs = await each((index) => {
      const { acts, lockHolder } = rounds[index]!
      return interleave(chances[index]!, acts, lockHolder)
    })
    const judged = await each(async (index) => {
      try {
        return await rounds[index]!.judge(logs[index]!)
      } catch (error) {
        const told = `seed ${seed}, schedule ${round + index}: ${logs[index]!.join('; ')}`
        throw new Error(`${String(error)} in ${told}`, { cause: error })
      }
    })
    for (const side of judged) counts[side] = (counts[side] ?? 0) + 1
    ground.clock.advance(grace)
    await each(async (index) => rounds[index]!.judgeLater?.())
  }
  console.log(
    `${ground.name}: refresh racing ${title}: ${schedules} schedules, seed ${seed}, ${JSON.stringify(counts)}`,
  )
  expect(Object.keys(counts)).toEqual(sides)
  // A run in which one order never came about would have tested little.
  for (const side of sides) expect(counts[side]).toBeGreaterThan(schedules / 200)
}
