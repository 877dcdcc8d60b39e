import type { Clock } from '../../src/ports/clock.js'

/** Time that only passes when something is due: timers, answers of a database, whatever is scheduled. */
export interface World {
  /** True time, which no simulated clock changes. */
  now(): number
  schedule(delay: number, run: () => void): () => void
  sleep(delay: number): Promise<void>
  /** Runs all that is due until then, one by one, and lets every promise settle in between. */
  runUntil(end: number): Promise<void>
}

interface Due {
  readonly at: number
  readonly run: () => void
}

export function createWorld(start: number): World {
  let now = start
  const queue: Due[] = []

  function schedule(delay: number, run: () => void): () => void {
    const due = { at: now + delay, run }
    // Behind all that is due no later, so that what was scheduled first runs first.
    let index = queue.length
    while (index > 0 && queue[index - 1]!.at > due.at) index -= 1
    queue.splice(index, 0, due)
    return () => {
      const found = queue.indexOf(due)
      if (found !== -1) queue.splice(found, 1)
    }
  }

  return {
    now: () => now,
    schedule,
    sleep: (delay) => new Promise((resolve) => void schedule(delay, resolve)),
    async runUntil(end) {
      await settle()
      while (queue.length > 0 && queue[0]!.at <= end) {
        const next = queue.shift()!
        now = next.at
        next.run()
        await settle()
      }
      now = end
    },
  }
}

/** Everything that needs no time has happened once the event loop comes round. */
function settle(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve))
}

/** A node's clocks, which may go wrong one at a time. */
export interface NodeClock extends Clock {
  /** Sets the wall clock off by this much more. */
  jump(ms: number): void
  /** The monotonic clock stood still for so long, as when a machine sleeps. */
  freeze(ms: number): void
}

export function createNodeClock(world: World): NodeClock {
  let [wallOff, monoOff, shown] = [0, 0, 0]
  return {
    wall: () => world.now() + wallOff,
    // It stands still until true time has come up with it; it never goes back.
    mono: () => (shown = Math.max(shown, world.now() - monoOff)),
    after: (ms, callback) => world.schedule(ms, callback),
    jump: (ms) => void (wallOff += ms),
    freeze(ms) {
      shown = Math.max(shown, world.now() - monoOff)
      monoOff += ms
    },
  }
}
