import { systemClock, type Clock } from '../../src/ports/clock.js'

/** A wall clock that stands still until it is moved. Timers run in real time, since the stores under test are real. */
export interface FakeClock extends Clock {
  advance(ms: number): void
  set(ms: number): void
}

export function createFakeClock(start: number = Date.UTC(2030, 0, 1)): FakeClock {
  let now = start
  return {
    wall: () => now,
    after: (ms, callback) => systemClock.after(ms, callback),
    advance: (ms) => void (now += ms),
    set: (ms) => void (now = ms),
  }
}
