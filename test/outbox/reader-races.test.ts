import { describe, expect, test } from 'vitest'
import { openLog, window } from '../support/event-log.js'

describe('the reader of the events', () => {
  test('misses nothing that commits between two pages of one look', async () => {
    const log = openLog()
    const { reader, delivered, commit, clock } = log
    log.transactions = { oldest: 100, next: 101 }
    await reader.look()
    // Number 1 belongs to transaction 100; 700 others come after it.
    commit(...Array.from({ length: 700 }, (_, index) => index + 2))
    for (let second = 0; second < 3; second += 1) {
      clock.advance(2_000)
      log.transactions = { oldest: 100, next: 900 }
      await reader.look()
    }
    clock.advance(2_000)
    log.meanwhile = () => {
      commit(1)
      log.transactions = { oldest: 1_000, next: 1_000 }
      log.meanwhile = null
    }
    await reader.look()
    clock.advance(2_000)
    await reader.look()
    expect(delivered).toHaveLength(701)
    expect(delivered.at(-1)).toBe('e1')
  })

  test('finds what was numbered before its first look and committed after it', async () => {
    const { reader, delivered, commit } = openLog()
    commit(2)
    await reader.look()
    commit(1)
    await reader.look()
    expect(delivered).toEqual(['e1'])
  })

  test('lets an event that it saw at its first look be told by who committed it', async () => {
    const { reader, delivered, commit } = openLog()
    commit(1)
    await reader.look()
    expect(reader.claim('e1')).toBe(true)
    expect(reader.claim('e1')).toBe(false)
    expect(delivered).toEqual([])
  })

  test('knows minutes later what it told, for an answer that comes late', async () => {
    const { reader, delivered, commit, clock } = openLog()
    await reader.look()
    commit(1)
    for (let minute = 0; minute < 9; minute += 1) {
      await reader.look()
      clock.advance(60_000)
    }
    expect(delivered).toEqual(['e1'])
    expect(reader.claim('e1')).toBe(false)
  })

  test('counts the window from the end of a look that took long', async () => {
    const log = openLog()
    const { reader, delivered, commit, clock } = log
    await reader.look()
    log.meanwhile = () => clock.advance(4_900)
    commit(2)
    await reader.look()
    log.meanwhile = null
    clock.advance(window - 1)
    await reader.look()
    commit(1)
    await reader.look()
    expect(delivered).toEqual(['e2', 'e1'])
  })

  test('begins anew where the numbers went back, and says that something was missed', async () => {
    const log = openLog()
    const { reader, delivered, commit, remove, gaps } = log
    commit(1, 2, 3)
    await reader.look()
    for (const seq of [2, 3]) remove(seq)
    await reader.look()
    expect(gaps).toHaveLength(1)
    await reader.look()
    log.name = 'new-'
    commit(2)
    await reader.look()
    expect(delivered).toEqual(['new-2'])
  })

  test('asks only for what is missing while a transaction stays open for minutes', async () => {
    const log = openLog()
    const { reader, delivered, commit, clock, asked, rows } = log
    log.transactions = { oldest: 100, next: 101 }
    await reader.look()
    // Numbers 3 and 500 belong to transaction 100, and 7 was rolled back.
    const open = new Set([3, 7, 500])
    commit(...Array.from({ length: 1_200 }, (_, index) => index + 1).filter((seq) => !open.has(seq)))
    for (let second = 0; second < 120; second += 1) {
      log.transactions = { oldest: 100, next: 2_000 + second }
      await reader.look()
      clock.advance(1_000)
    }
    expect(asked.at(-1)).toEqual([3, 7, 500])
    expect(rows.slice(-50)).toEqual(Array.from({ length: 50 }, () => 0))
    commit(500)
    await reader.look()
    commit(3)
    log.transactions = { oldest: 3_000, next: 3_000 }
    await reader.look()
    expect(delivered.slice(-2)).toEqual(['e500', 'e3'])
    const before = asked.length
    for (let second = 0; second < 5; second += 1) {
      clock.advance(2_000)
      await reader.look()
    }
    expect(delivered).toHaveLength(1_199)
    expect(asked.length).toBeLessThanOrEqual(before + 1)
  })

  test('reads nothing again when it is woken often, but what is missing, and once a second all of the window', async () => {
    const log = openLog()
    const { reader, delivered, commit, clock, rows, asked } = log
    await reader.look()
    for (let seq = 2; seq <= 101; seq += 1) {
      commit(seq)
      clock.advance(5)
      await reader.look()
    }
    commit(1)
    await reader.look()
    expect(delivered.at(-1)).toBe('e1')
    expect(asked.at(-1)).toEqual([1])
    expect(Math.max(...rows)).toBe(1)
    // As after a failover that lost an event whose number another one has now.
    log.name = 'other-'
    commit(50)
    clock.advance(1_000)
    await reader.look()
    expect(delivered.at(-1)).toBe('other-50')
    expect(delivered).toHaveLength(102)
  })

  test('reads all again where more is missing than can be asked for', async () => {
    const log = openLog()
    const { reader, delivered, commit, clock, asked } = log
    log.transactions = { oldest: 100, next: 101 }
    await reader.look()
    // As where several primaries give out numbers in turns.
    const each = (first: number): number[] => Array.from({ length: 3_000 }, (_, index) => 3 * index + first)
    commit(...each(1))
    for (let second = 0; second < 60; second += 1) {
      log.transactions = { oldest: 100, next: 2_000 + second }
      await reader.look()
      clock.advance(1_000)
    }
    commit(...each(2))
    clock.advance(1_000)
    await reader.look()
    expect(asked).toEqual([])
    expect(delivered).toHaveLength(6_000)
    log.transactions = { oldest: 3_000, next: 3_000 }
    for (let second = 0; second < 5; second += 1) {
      clock.advance(2_000)
      await reader.look()
    }
    // All is settled, and from here on what is missing can be asked for again.
    log.transactions = { oldest: 3_000, next: 4_000 }
    commit(20_001, 20_003)
    for (let second = 0; second < 60; second += 1) {
      clock.advance(1_000)
      await reader.look()
    }
    commit(20_002)
    await reader.look()
    expect(delivered.at(-1)).toBe('e20002')
  })

  test('begins before all that is young, and tells of what was open then', async () => {
    const log = openLog()
    const { reader, delivered, commit, clock } = log
    log.at = clock.wall()
    commit(...Array.from({ length: 5_000 }, (_, index) => index + 2))
    log.transactions = { oldest: 100, next: 101 }
    await reader.look()
    expect(delivered).toEqual([])
    commit(1)
    log.transactions = { oldest: 101, next: 101 }
    await reader.look()
    expect(delivered).toEqual(['e1'])
  })

  test('says that something was missed also where it could not begin anew at once', async () => {
    const log = openLog()
    const { reader, commit, remove, gaps } = log
    commit(1, 2, 3)
    await reader.look()
    remove(3)
    log.meanwhile = () => {
      log.fail = true
      log.meanwhile = null
    }
    await expect(reader.look()).rejects.toThrow('ECONNREFUSED')
    expect(gaps).toEqual([])
    log.fail = false
    await reader.look()
    expect(gaps).toHaveLength(1)
  })

  test('tells once of a row that can not be read, however often it comes again', async () => {
    const log = openLog()
    const { reader, delivered, commit, clock, gaps } = log
    await reader.look()
    commit(1, 3)
    log.broken.add(2)
    for (let second = 0; second < 5; second += 1) {
      await reader.look()
      clock.advance(1_000)
    }
    expect(gaps).toHaveLength(1)
    expect(delivered).toEqual(['e1', 'e3'])
  })

  test('goes through no further pages once it is stopped', async () => {
    const log = openLog()
    const { reader, delivered, commit } = log
    await reader.look()
    commit(...Array.from({ length: 5_000 }, (_, index) => index + 1))
    log.meanwhile = () => reader.stop()
    await reader.look()
    expect(delivered).toHaveLength(500)
  })
})
