import type { Clock } from '../ports/clock.js'

/** Looks after all that is open, by one timer, while there is any. */
export interface Heart {
  /** There is something. */
  begin(): void
  /** There is nothing more. */
  stop(): void
}

/** @param beat runs each `interval` milliseconds, from `begin` to `stop`, which it may call itself */
export function createHeart(clock: Clock, interval: number, beat: () => void): Heart {
  let cancel: (() => void) | null = null

  function begin(): void {
    cancel ??= clock.after(interval, () => {
      cancel = null
      begin()
      beat()
    })
  }

  return {
    begin,
    stop() {
      cancel?.()
      cancel = null
    },
  }
}
