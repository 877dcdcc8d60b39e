import { describe } from 'vitest'
import { describeAccountEvents } from './account-events.js'
import { describeAdministration } from './administration.js'
import { describeDevices } from './devices.js'
import { describeFreshness } from './freshness.js'
import type { StoreHarness } from './harness.js'
import { describeIds } from './ids.js'
import { describeLifetimes } from './lifetimes.js'
import { describeOutbox } from './outbox.js'
import { describeRefresh } from './refresh.js'
import { describeRefreshFaults } from './refresh-faults.js'
import { describeRefreshTrust } from './refresh-trust.js'
import { describeRefreshUses } from './refresh-uses.js'
import { describeLogins } from './logins.js'
import { describeLogout } from './logout.js'
import { describeTransactions } from './transactions.js'
import { describeVersions } from './versions.js'

/**
 * The suite every store passes, for vitest: call it in a test file with a way to open the store.
 * @example
 * describeStore('my store', { open: async () => ({ store: myStore(), close: async () => {} }) })
 */
export function describeStore<Transaction = never>(name: string, harness: StoreHarness<Transaction>): void {
  describe(name, () => {
    describeLogout(harness)
    describeVersions(harness)
    describeIds(harness)
    describeLifetimes(harness)
    describeRefresh(harness)
    describeRefreshFaults(harness)
    describeRefreshTrust(harness)
    describeRefreshUses(harness)
    describeFreshness(harness)
    describeDevices(harness)
    describeAdministration(harness)
    describeAccountEvents(harness)
    describeLogins(harness)
    describeTransactions(harness)
    describeOutbox(harness)
  })
}

export { createFakeClock, type FakeClock } from './fake-clock.js'
export type { OpenStore, OpenTransaction, StoreHarness } from './harness.js'
export {
  describeFramework,
  type FrameworkApp,
  type FrameworkHarness,
  type ServedApp,
  type SuiteClaims,
} from './http/index.js'
