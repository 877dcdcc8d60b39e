import { describe, expect, test } from 'vitest'
import { createEventReader, type EventReader } from '../../src/outbox/reader.js'
import type { EventPage, LoggedEvent } from '../../src/ports/store.js'
import { createFakeClock, type FakeClock } from '../conformance/fake-clock.js'

const window = 10_000

/** A log whose events appear when the test says so, in another order than their numbers if need be. */
interface Log {
  readonly reader: EventReader
  readonly clock: FakeClock
  /** Ids in the order of their delivery. */
  readonly delivered: string[]
  /** How many rows each read answered. */
  readonly rows: number[]
  commit(...seqs: number[]): void
  /** `null`: the store can't tell. */
  transactions: EventPage['transactions']
  fail: boolean
}

function open(): Log {
  const events = new Map<number, LoggedEvent>()
  const clock = createFakeClock()
  const delivered: string[] = []
  const rows: number[] = []
  const read = async (after: number | null, limit: number): Promise<EventPage> => {
    if (log.fail) throw new Error('ECONNREFUSED')
    const sorted = [...events.values()].toSorted((a, b) => a.seq - b.seq)
    const found = after === null ? sorted.slice(-limit) : sorted.filter(({ seq }) => seq > after).slice(0, limit)
    rows.push(found.length)
    return { events: found, transactions: log.transactions }
  }
  const log: Log = {
    reader: createEventReader(clock, window, read, ({ id }) => void delivered.push(id)),
    clock,
    delivered,
    rows,
    commit(...seqs) {
      for (const seq of seqs) {
        const id = `e${seq}`
        events.set(seq, {
          seq,
          id,
          type: 'all_sessions_revoked',
          userId: 'alice',
          sid: null,
          tokenVersion: 1,
          reason: 'logout',
          actor: null,
          at: 0,
        })
      }
    },
    transactions: null,
    fail: false,
  }
  return log
}

describe('the reader of the events', () => {
  test('tells nothing of what was committed before it began, and everything after, once', async () => {
    const { reader, delivered, commit } = open()
    commit(1, 2)
    await reader.look()
    expect(delivered).toEqual([])
    commit(3, 4)
    await reader.look()
    await reader.look()
    expect(delivered).toEqual(['e3', 'e4'])
    expect(reader.position()).toBe(4)
  })

  test('begins before the first event there is', async () => {
    const { reader, delivered, commit } = open()
    await reader.look()
    commit(1)
    await reader.look()
    expect(delivered).toEqual(['e1'])
  })

  test('finds what was numbered early and committed late, as long as the window', async () => {
    const { reader, delivered, commit, clock } = open()
    commit(1)
    await reader.look()
    commit(4)
    await reader.look()
    clock.advance(window - 1)
    commit(3)
    await reader.look()
    expect(delivered).toEqual(['e4', 'e3'])
    clock.advance(window)
    await reader.look()
    await reader.look()
    // Of a transaction that is open for longer nobody hears: `maxStaleness` alone bounds it.
    commit(2)
    await reader.look()
    expect(delivered).toEqual(['e4', 'e3'])
  })

  test('where the store tells of running transactions finds it however late, and reads nothing twice when all are over', async () => {
    const log = open()
    const { reader, delivered, commit, clock, rows } = log
    log.transactions = { oldest: 100, next: 101 }
    await reader.look()
    commit(2)
    // Number 1 belongs to transaction 100, which stays open for minutes, while others come and go.
    for (let minute = 0; minute < 5; minute += 1) {
      clock.advance(60_000)
      log.transactions = { oldest: 100, next: 200 + minute }
      await reader.look()
    }
    commit(1)
    log.transactions = { oldest: 300, next: 300 }
    await reader.look()
    expect(delivered).toEqual(['e2', 'e1'])
    clock.advance(2_000)
    await reader.look()
    clock.advance(2_000)
    await reader.look()
    expect(rows.at(-1)).toBe(0)
  })

  test('waits for a transaction that took its number before it was known to run', async () => {
    const log = open()
    const { reader, delivered, commit, clock } = log
    log.transactions = { oldest: 100, next: 100 }
    await reader.look()
    commit(2)
    // Number 1 is taken, and transaction 100 begins only now.
    await reader.look()
    clock.advance(1)
    log.transactions = { oldest: 100, next: 101 }
    for (let look = 0; look < 30; look += 1) {
      clock.advance(100)
      await reader.look()
    }
    commit(1)
    log.transactions = { oldest: 101, next: 101 }
    await reader.look()
    expect(delivered).toEqual(['e2', 'e1'])
  })

  test('tells nothing that was claimed by who committed it, and lets nobody claim what it told', async () => {
    const { reader, delivered, commit } = open()
    await reader.look()
    expect(reader.claim('e1')).toBe(true)
    commit(1, 2)
    await reader.look()
    expect(delivered).toEqual(['e2'])
    expect(reader.claim('e1')).toBe(false)
    expect(reader.claim('e2')).toBe(false)
  })

  test('goes through a long backlog page by page, and after a failure goes on where it was', async () => {
    const log = open()
    const { reader, delivered, commit } = log
    await reader.look()
    const backlog = Array.from({ length: 1_234 }, (_, index) => index + 1)
    commit(...backlog)
    log.fail = true
    await expect(reader.look()).rejects.toThrow('ECONNREFUSED')
    expect(delivered).toEqual([])
    log.fail = false
    await reader.look()
    expect(delivered).toEqual(backlog.map((seq) => `e${seq}`))
  })

  test('keeps in memory only what may come again', async () => {
    const { reader, commit, clock, rows } = open()
    await reader.look()
    for (let second = 1; second <= 100; second += 1) {
      commit(second)
      clock.advance(1_000)
      await reader.look()
    }
    // The window of ten seconds, and one look more.
    expect(rows.at(-1)).toBeLessThanOrEqual(11)
  })
})
