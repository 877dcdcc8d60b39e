import { describe, expect, test } from 'vitest'
import { openLog, window } from '../support/event-log.js'

describe('the reader of the events', () => {
  test('tells nothing of what was committed before it began, and everything after, once', async () => {
    const { reader, delivered, commit } = openLog()
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
    const { reader, delivered, commit } = openLog()
    await reader.look()
    commit(1)
    await reader.look()
    expect(delivered).toEqual(['e1'])
  })

  test('finds what was numbered early and committed late, as long as the window', async () => {
    const { reader, delivered, commit, clock } = openLog()
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
    const log = openLog()
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
    const log = openLog()
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
    const { reader, delivered, commit } = openLog()
    await reader.look()
    expect(reader.claim('e1')).toBe(true)
    commit(1, 2)
    await reader.look()
    expect(delivered).toEqual(['e2'])
    expect(reader.claim('e1')).toBe(false)
    expect(reader.claim('e2')).toBe(false)
  })

  test('goes through a long backlog page by page, and after a failure goes on where it was', async () => {
    const log = openLog()
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
    const { reader, commit, clock, rows } = openLog()
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
