import type { ClaimsCallback } from './claims.js'
import type { Lookup } from './lookup/lookup.js'
import type { Uses } from './note-use.js'
import type { Notifier } from './notifier.js'
import type { Outbox, OutboxSettings } from './outbox/outbox.js'
import type { Clock } from './ports/clock.js'
import type { Random } from './ports/random.js'
import type { Store } from './ports/store.js'
import type { RotationPolicy } from './rotation.js'
import type { AccessTokenPolicy } from './tokens/access-token.js'
import type { AccessTokenReader } from './tokens/access-token-reader.js'
import type { KeyRing } from './tokens/key-ring.js'
import type { RefreshTokens } from './tokens/refresh-token.js'
import type { Watches } from './watch/watches.js'
import { takeTurns } from './turns.js'

/** What every use case works with; built once by `createSessions`. */
export interface Context<Claims, Transaction> {
  readonly store: Store<Transaction>
  readonly keys: KeyRing
  readonly accessTokens: AccessTokenReader
  readonly lookup: Lookup
  /** `null` in single-token mode. */
  readonly refreshTokens: RefreshTokens | null
  readonly policy: Policy
  readonly claims: ClaimsCallback<Claims, Transaction> | undefined
  readonly clock: Clock
  readonly random: Random
  readonly notifier: Notifier
  readonly background: Background
  readonly uses: Uses
  readonly watches: Watches
  /** `null` where no other process is listened to. */
  readonly outbox: Outbox | null
}

/** The checked settings. Durations are milliseconds. */
export interface Policy extends AccessTokenPolicy, RotationPolicy {
  /** `null` in single-token mode: access tokens live as long as their session. */
  readonly accessToken: { readonly lifetime: number; readonly jitter: number } | null
  /** Whose sessions the reuse of a refresh token ends. */
  readonly onReuse: 'revoke' | 'revokeAll'
  readonly lifetime: number
  readonly idleLifetime: number
  readonly lastSeenInterval: number
  readonly storeTimeout: number
  /** How old what a watch has read may get. */
  readonly recheckInterval: number
  /** How old the read may be that a verify rests on; 0 is strict. */
  readonly maxStaleness: number
  readonly cacheSize: { readonly tokens: number; readonly sessions: number }
  /** `null` where no other process is listened to. */
  readonly outbox: OutboxSettings | null
}

/** Work that no caller waits for, so that `close` can. */
export interface Background {
  isClosed: boolean
  run(work: Promise<void>): void
  close(): Promise<void>
}

export function createBackground(): Background {
  const running = new Set<Promise<void>>()
  return {
    isClosed: false,
    run(work) {
      running.add(work)
      void work.finally(() => running.delete(work))
    },
    async close() {
      // A transaction that committed just before is heard of some promises later: its announcement is to be waited for.
      await takeTurns()
      this.isClosed = true
      await Promise.all(running)
    },
  }
}
