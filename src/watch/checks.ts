import type { Lookup } from '../lookup/lookup.js'
import type { Clock } from '../ports/clock.js'
import type { StandingRecord } from '../ports/store.js'
import { decideSessionStanding } from '../standing.js'
import type { WatchEvent } from './events.js'
import { unexplained, type Registry, type Watch } from './registry.js'
import { createWheel } from './wheel.js'

export interface ChecksWork {
  readonly clock: Clock
  read: Lookup['read']
  /** Milliseconds: how long a read may take, and how old what was read may get without having been asked for again. */
  readonly storeTimeout: number
  readonly recheckInterval: number
}

/** Reads watched sessions: when something has changed, when one is about to end, and from time to time. */
export interface Checks {
  /** What was read of it counts no more. */
  check(watch: Watch): void
  /** It is watched no more. */
  forget(watch: Watch): void
  stop(): void
}

/** How long before an end it is told. */
const warning = 60_000

export function createChecks(
  { clock, read, storeTimeout, recheckInterval }: ChecksWork,
  registry: Registry,
  tell: (watch: Watch, event: WatchEvent) => void,
): Checks {
  const wheel = createWheel<Watch>(clock, (due) => due.forEach(check))

  /** One read at a time; what changes meanwhile is read again. */
  function check(watch: Watch): void {
    watch.isOvertaken = true
    if (watch.isChecking) return
    watch.isChecking = true
    void readOn(watch)
  }

  async function readOn(watch: Watch): Promise<void> {
    while (watch.isOvertaken && registry.has(watch)) {
      watch.isOvertaken = false
      const answer = await read(watch.key, storeTimeout).catch(() => null)
      // Whatever was read, it may be no more, or nobody's business.
      if (watch.isOvertaken || !registry.has(watch)) continue
      if (answer === null) askAgain(watch)
      else decide(watch, answer.record)
    }
    // In the same turn: whoever asks from now on begins a read of their own.
    watch.isChecking = false
  }

  /** An outage ends nobody's session: more and more slowly. */
  function askAgain(watch: Watch): void {
    watch.failures += 1
    wheel.set(watch, Math.min(1_000 * 2 ** Math.min(watch.failures - 1, 10), recheckInterval))
  }

  function decide(watch: Watch, record: StandingRecord | null): void {
    const now = clock.wall()
    const standing = decideSessionStanding(watch.key, record, now)
    if (!standing.stands) {
      wheel.delete(watch)
      registry.drop(watch)
      return tell(watch, { type: 'ended', code: standing.code, ...watch.explanation })
    }
    watch.failures = 0
    watch.explanation = unexplained
    const { idleExpiresAt, expiresAt } = standing.record
    noteTimes(watch, idleExpiresAt, expiresAt)
    const left = Math.min(idleExpiresAt, expiresAt) - now
    if (left <= warning && !watch.hasWarned) {
      watch.hasWarned = true
      tell(watch, { type: 'expiring', ...watch.last! })
    }
    wheel.set(watch, Math.min(left > warning ? left - warning : left, recheckInterval))
  }

  function noteTimes(watch: Watch, idleExpiresAt: number, expiresAt: number): void {
    const { last } = watch
    if (last?.idleExpiresAt.getTime() === idleExpiresAt && last.sessionExpiresAt.getTime() === expiresAt) return
    watch.last = { idleExpiresAt: new Date(idleExpiresAt), sessionExpiresAt: new Date(expiresAt) }
    watch.hasWarned = false
    tell(watch, { type: 'standing', ...watch.last })
  }

  return { check, forget: (watch) => wheel.delete(watch), stop: () => wheel.stop() }
}
