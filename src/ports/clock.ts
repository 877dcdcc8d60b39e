/** One moment on both clocks. */
export interface Moment {
  readonly wall: number
  readonly mono: number
}

export function momentOf(clock: Clock): Moment {
  return { wall: clock.wall(), mono: clock.mono() }
}

/** All time the library sees. Tests inject a fake one; nothing in `src` or `adapters` reads a clock of its own. */
export interface Clock {
  /** Epoch milliseconds of the wall clock. */
  wall(): number
  /** Milliseconds of a clock that nobody sets: it only goes forward, from any start. */
  mono(): number
  /** Runs `callback` once after `ms` milliseconds and returns what cancels it. The timer never keeps the process alive. */
  after(ms: number, callback: () => void): () => void
}

export const systemClock: Clock = {
  wall: () => Date.now(),
  mono: () => performance.now(),
  after(ms, callback) {
    const timer = setTimeout(callback, ms)
    timer.unref?.()
    return () => clearTimeout(timer)
  },
}
