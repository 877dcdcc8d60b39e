import { describe } from 'vitest'
import { describeCookies } from './cookies.js'
import { describeDeviceRoutes } from './devices.js'
import { describeEvents } from './events.js'
import { describeGuard } from './guard.js'
import type { FrameworkHarness } from './harness.js'
import { describeLogoutRoutes } from './logout.js'
import { describeOauthRoutes } from './oauth.js'
import { describeRefreshRoute } from './refresh.js'
import { describeRequests } from './requests.js'
import { describeSameSite } from './same-site.js'
import { describeTrouble } from './trouble.js'

/**
 * The suite every framework passes, for vitest, over real sockets: call it in a test file with a way to serve an app.
 * @example
 * describeFramework('my framework', { serve: async (app) => ({ url: 'http://127.0.0.1:4000', close: async () => {} }) })
 */
export function describeFramework(name: string, harness: FrameworkHarness): void {
  describe(name, () => {
    describeGuard(harness)
    describeCookies(harness)
    describeSameSite(harness)
    describeRefreshRoute(harness)
    describeDeviceRoutes(harness)
    describeLogoutRoutes(harness)
    describeOauthRoutes(harness)
    describeRequests(harness)
    describeEvents(harness)
    describeTrouble(harness)
  })
}

export type { FrameworkApp, FrameworkHarness, ServedApp, SuiteClaims } from './harness.js'
