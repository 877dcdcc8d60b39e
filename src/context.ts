import type { LRUCache } from 'lru-cache'
import type { ClaimsCallback } from './claims.js'
import type { Notifier } from './notifier.js'
import type { Clock } from './ports/clock.js'
import type { Random } from './ports/random.js'
import type { Store } from './ports/store.js'
import type { RotationPolicy } from './rotation.js'
import type { AccessTokenPolicy } from './tokens/access-token.js'
import type { KeyRing } from './tokens/key-ring.js'
import type { RefreshTokens } from './tokens/refresh-token.js'

/** What every use case works with; built once by `createSessions`. */
export interface Context<Claims, Transaction> {
  readonly store: Store<Transaction>
  readonly keys: KeyRing
  /** `null` in single-token mode. */
  readonly refreshTokens: RefreshTokens | null
  readonly policy: Policy
  readonly claims: ClaimsCallback<Claims, Transaction> | undefined
  readonly clock: Clock
  readonly random: Random
  readonly notifier: Notifier
  readonly background: Background
  /** When this process last wrote a use, by session or `jti`, so that requests still on their way write it no second time. */
  readonly usesNoted: LRUCache<string, number>
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
      for (let turn = 0; turn < 20; turn += 1) await Promise.resolve()
      this.isClosed = true
      await Promise.all(running)
    },
  }
}
