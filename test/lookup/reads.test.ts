import { describe, expect, test } from 'vitest'
import { RollcallError } from '../../src/errors.js'
import type { Read } from '../../src/lookup/batch.js'
import { createReads, type Reads } from '../../src/lookup/reads.js'
import { StoreDataError, type SessionKey, type StandingRecord } from '../../src/ports/store.js'
import { createFakeClock, type FakeClock } from '../conformance/fake-clock.js'
import { codeOf } from '../conformance/harness.js'

const keyOf = (sid: string): SessionKey => ({ userId: 'alice', sid })
const rowOf = (key: SessionKey): StandingRecord => key as StandingRecord

interface Asked {
  readonly sids: readonly string[]
  readonly signal: AbortSignal
  answer(): void
  fail(error: unknown): void
}

/** A store whose answers the test gives, and timers that it fires. */
function open(): { reads: Reads; asked: Asked[]; taken: Read[]; clock: FakeClock; waits: number[]; late(): void } {
  const asked: Asked[] = []
  const taken: Read[] = []
  const timers = new Set<() => void>()
  const waits: number[] = []
  const clock: FakeClock = {
    ...createFakeClock(),
    after(ms, callback) {
      waits.push(ms)
      timers.add(callback)
      return () => void timers.delete(callback)
    },
  }
  const lookup = (keys: readonly SessionKey[], signal: AbortSignal): Promise<StandingRecord[]> =>
    new Promise((resolve, reject) => {
      const sids = keys.map(({ sid }) => sid)
      asked.push({ sids, signal, answer: () => resolve(keys.map(rowOf)), fail: reject })
    })
  const reads = createReads(clock, lookup, (_, read) => void taken.push(read))
  return { reads, asked, taken, clock, waits, late: () => [...timers].forEach((fire) => fire()) }
}

const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve))
const numbered = (count: number): string[] => Array.from({ length: count }, (_, index) => `s${index}`)

describe('reads of sessions', () => {
  test('that are asked for in one turn share one statement, and those of one session one key', async () => {
    const { reads, asked } = open()
    const answers = ['a', 'b', 'a', 'c', 'b'].map((sid) => reads.read(keyOf(sid), 1_000))
    await turn()
    expect(asked.map(({ sids }) => sids)).toEqual([['a', 'b', 'c']])
    asked[0]!.answer()
    expect((await Promise.all(answers)).map(({ record }) => record!.sid)).toEqual(['a', 'b', 'a', 'c', 'b'])
  })

  test('never join a statement that is under way: it may have begun before a revoke they must see', async () => {
    const { reads, asked } = open()
    const first = reads.read(keyOf('a'), 1_000)
    await turn()
    const second = reads.read(keyOf('a'), 1_000)
    await turn()
    expect(asked.map(({ sids }) => sids)).toEqual([['a'], ['a']])
    asked.forEach(({ answer }) => answer())
    expect(await first).not.toBe(await second)
  })

  test.each([
    [30, [30]],
    [32, [16, 16]],
    [65, [33, 32]],
  ])('of %i sessions in one turn are statements of %j', async (count, sizes) => {
    const { reads, asked } = open()
    const answers = numbered(count).map((sid) => reads.read(keyOf(sid), 1_000))
    await turn()
    expect(asked.map(({ sids }) => sids.length)).toEqual(sizes)
    for (const { answer } of asked) answer()
    expect((await Promise.all(answers)).map(({ record }) => record!.sid)).toEqual(numbered(count))
  })

  test('that find one slot free take all who wait', async () => {
    const { reads, asked } = open()
    const answers = [reads.read(keyOf('first'), 1_000)]
    await turn()
    answers.push(...numbered(64).map((sid) => reads.read(keyOf(sid), 1_000)))
    await turn()
    expect(asked.map(({ sids }) => sids.length)).toEqual([1, 64])
    for (const { answer } of asked) answer()
    await Promise.all(answers)
  })

  test('are two statements at a time, of 256 sessions at most; the others wait and go together', async () => {
    const { reads, asked } = open()
    const answers = numbered(600).map((sid) => reads.read(keyOf(sid), 1_000))
    await turn()
    expect(asked.map(({ sids }) => sids.length)).toEqual([256, 256])
    for (const sid of ['x', 'y']) answers.push(reads.read(keyOf(sid), 1_000))
    await turn()
    expect(asked).toHaveLength(2)
    expect(reads.status()).toMatchObject({ inFlight: 2, waiting: 90 })
    asked[1]!.answer()
    await turn()
    expect(asked[2]!.sids).toEqual([...numbered(600).slice(512), 'x', 'y'])
    for (const { answer } of asked) answer()
    expect(await Promise.all(answers)).toHaveLength(602)
    expect(reads.status()).toEqual({ batches: 3, keys: 602, failed: 0, inFlight: 0, waiting: 0 })
  })

  test('end for a caller when its time is up, in the queue as well as under way, and nothing is read for nobody', async () => {
    const { reads, asked, late } = open()
    const underWay = numbered(2).map(async (sid) => {
      const answer = codeOf(reads.read(keyOf(sid), 1_000))
      await turn()
      return answer
    })
    await turn()
    const waiting = codeOf(reads.read(keyOf('waiting'), 1_000))
    await turn()
    late()
    expect(await Promise.all([...underWay, waiting])).toEqual(Array(3).fill('store_unavailable'))
    // Nobody waits for those under way: they are given up, and their places are free.
    expect(asked.map(({ signal }) => signal.aborted)).toEqual([true, true])
    expect(reads.status()).toMatchObject({ inFlight: 0, waiting: 0 })
    void reads.read(keyOf('next'), 1_000)
    await turn()
    expect(asked).toHaveLength(3)
  })

  test('that fail on what one session holds fail for that one alone', async () => {
    const { reads, asked } = open()
    const answers = numbered(5).map((sid) => codeOf(reads.read(keyOf(sid), 1_000)))
    const fault = new RollcallError('store_unavailable', { cause: new StoreDataError('odd') })
    await turn()
    for (let next = 0; next < asked.length; next += 1) {
      const { sids, answer, fail } = asked[next]!
      if (sids.includes('s3')) fail(fault)
      else answer()
      await turn()
    }
    expect(await Promise.all(answers)).toEqual(['accepted', 'accepted', 'accepted', 'store_unavailable', 'accepted'])
    expect(asked.map(({ sids }) => sids.length)).toEqual([5, 2, 3, 1, 2, 1, 1])
  })

  test('of a batch that was split are given up when nobody is left of the part that hangs', async () => {
    const { reads, asked, late } = open()
    const answers = numbered(4).map((sid) => codeOf(reads.read(keyOf(sid), 1_000)))
    await turn()
    asked[0]!.fail(new RollcallError('store_unavailable', { cause: new StoreDataError('odd') }))
    await turn()
    asked[1]!.answer()
    expect(await Promise.all(answers.slice(0, 2))).toEqual(['accepted', 'accepted'])
    await turn()
    expect(asked[2]!.sids).toEqual(['s2', 's3'])
    // Who has an answer is no longer waited for: a new one reads anew.
    expect(reads.join(keyOf('s0'), 1_000, () => true)).toBeNull()
    late()
    expect(await Promise.all(answers.slice(2))).toEqual(['store_unavailable', 'store_unavailable'])
    expect(asked[2]!.signal.aborted).toBe(true)
    await turn()
    expect(reads.status()).toMatchObject({ inFlight: 0, waiting: 0 })
  })

  test('live no longer for those who join them: their age counts into the time of who joins', async () => {
    const { reads, asked, clock, waits, late } = open()
    const first = codeOf(reads.read(keyOf('a'), 1_000))
    await turn()
    clock.advance(400)
    const joined = codeOf(reads.join(keyOf('a'), 1_000, () => true)!)
    expect(waits).toEqual([1_000, 600])
    clock.advance(600)
    expect(reads.join(keyOf('a'), 1_000, () => true)).toBeNull()
    late()
    expect(await Promise.all([first, joined])).toEqual(['store_unavailable', 'store_unavailable'])
    expect(asked[0]!.signal.aborted).toBe(true)
  })

  test('that fail on an outage are not asked again', async () => {
    const { reads, asked } = open()
    const answers = numbered(5).map((sid) => codeOf(reads.read(keyOf(sid), 1_000)))
    await turn()
    asked[0]!.fail(new RollcallError('store_unavailable', { cause: new Error('ECONNREFUSED') }))
    expect(new Set(await Promise.all(answers))).toEqual(new Set(['store_unavailable']))
    expect(asked).toHaveLength(1)
  })

  test('are overtaken by a change of their session or user that becomes known while they are under way', async () => {
    const { reads, asked, taken } = open()
    const answers = ['a', 'b'].map((sid) => reads.read(keyOf(sid), 1_000))
    answers.push(reads.read({ userId: 'bob', sid: 'a' }, 1_000))
    await turn()
    reads.overtake('alice', 'a')
    asked[0]!.answer()
    await Promise.all(answers)
    expect(taken.map(({ isOvertaken }) => isOvertaken)).toEqual([true, false, false])
    const others = ['a', 'b'].map((sid) => reads.read(keyOf(sid), 1_000))
    await turn()
    reads.overtake('alice', null)
    asked[1]!.answer()
    await Promise.all(others)
    expect(taken.slice(3).map(({ isOvertaken }) => isOvertaken)).toEqual([true, true])
  })

  test('may join one under way where age is allowed, unless it is too old or overtaken', async () => {
    const { reads, asked, clock } = open()
    const young = ({ mono }: { mono: number }): boolean => clock.mono() - mono <= 10
    const first = reads.read(keyOf('a'), 1_000)
    await turn()
    clock.advance(10)
    const joined = reads.join(keyOf('a'), 1_000, young)!
    await turn()
    expect(asked).toHaveLength(1)
    clock.advance(1)
    expect(reads.join(keyOf('a'), 1_000, young)).toBeNull()
    asked[0]!.answer()
    expect(await joined).toBe(await first)
    const second = reads.read(keyOf('a'), 1_000)
    await turn()
    reads.overtake('alice', 'a')
    expect(reads.join(keyOf('a'), 1_000, () => true)).toBeNull()
    asked[1]!.answer()
    expect((await second).isOvertaken).toBe(true)
    expect(reads.join(keyOf('a'), 1_000, () => true)).toBeNull()
  })
})
