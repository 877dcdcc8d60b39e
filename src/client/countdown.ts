import type { Emitter } from './emitter.js'
import type { CurrentSession } from './types.js'

/** Warns before the end of the session. What ends it is the server alone, which is asked when the time is there. */
export interface Countdown {
  /** Server time minus this machine's. Milliseconds. */
  skew: number
  /** What is left of the session that is counted down to, in milliseconds; NaN without one. */
  left(): number
  /** Counts down to the end of this one; `null`: of none. */
  to(session: CurrentSession | null): void
}

/** @param ask asks the server, since a use may have moved the end; what it answers is counted down to */
export function createCountdown(warnings: Emitter['warnings'], ask: () => Promise<unknown>): Countdown {
  /** Milliseconds. */
  const firstWait = 500
  const longestWait = 30_000
  let [overdue, timer] = [0, 0 as never]
  let session: CurrentSession | null = null

  const endsAt = (): number => Math.min(+(session?.idleExpiresAt as Date), +(session?.sessionExpiresAt as Date))
  const left = (): number => endsAt() - Date.now() - countdown.skew

  /**
   * Waits half a minute at most: a timer of more than 24 days fires at once, and a machine that slept, or whose clock was
   * set, is to notice.
   */
  function plan(): void {
    clearTimeout(timer)
    if (!session) return
    const wait = Math.min(left(), ...warnings(endsAt()).map(({ before }) => left() - before))
    timer = setTimeout(tick, Math.min(wait > overdue ? wait : overdue, longestWait)) as never
  }

  async function tick(): Promise<void> {
    const due = () => warnings(endsAt()).filter(({ before }) => left() <= before)
    if (left() <= 0 || due()[0]) await ask()
    overdue = left() > 0 ? 0 : overdue * 2 || firstWait
    for (const warning of left() > 0 ? due() : []) {
      warning.told = endsAt()
      warning.tell(session)
    }
    plan()
  }

  const countdown: Countdown = {
    skew: 0,
    left,
    to(next) {
      session = next
      plan()
    },
  }
  return countdown
}
