import { systemClock, type Clock } from '../../src/ports/clock.js'

/** Clocks that stand still until they are moved: `advance` moves both, `set` the wall clock alone. Timers run in real time, since the stores under test are real. */
export interface FakeClock extends Clock {
  advance(ms: number): void
  set(ms: number): void
}

export function createFakeClock(start: number = Date.UTC(2030, 0, 1)): FakeClock {
  let now = start
  let elapsed = 0
  return {
    wall: () => now,
    mono: () => elapsed,
    after: (ms, callback) => systemClock.after(ms, callback),
    advance(ms) {
      now += ms
      elapsed += ms
    },
    set: (ms) => void (now = ms),
  }
}
