import { LRUCache } from 'lru-cache'
import { RollcallError } from '../errors.js'
import type { Clock } from '../ports/clock.js'
import type { UserRecord } from '../ports/store.js'

/**
 * The highest version each user was seen with. A later read that shows a lower one asks a database that forgot a logout: a
 * failover to a standby that was behind, or a restore. Best effort: within one process, for the users seen last.
 */
export interface VersionsSeen {
  /**
   * @param startedAt when the read began, on the monotonic clock
   * @throws RollcallError `store_behind`
   */
  check(userId: string, user: UserRecord, startedAt: number): void
}

const maximum = 10_000

export function createVersionsSeen(clock: Pick<Clock, 'mono'>): VersionsSeen {
  const seen = new LRUCache<string, { readonly tokenVersion: number; readonly at: number }>({ max: maximum })
  return {
    check(userId, { tokenVersion }, startedAt) {
      const highest = seen.get(userId)
      if (highest === undefined || tokenVersion > highest.tokenVersion)
        seen.set(userId, { tokenVersion, at: clock.mono() })
      // A read that began before the higher version was seen may rightly be older.
      else if (tokenVersion < highest.tokenVersion && startedAt > highest.at) throw new RollcallError('store_behind')
    },
  }
}
