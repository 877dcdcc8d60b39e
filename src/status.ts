import type { Context } from './context.js'
import type { LookupStatus } from './lookup/lookup.js'
import type { OutboxStatus } from './outbox/outbox.js'
import type { TokenCacheStatus } from './tokens/access-token-reader.js'

/** Counters begin with the process. Times are milliseconds. */
export interface SessionsStatus extends LookupStatus {
  /** The cache of verified signatures. */
  readonly accessTokens: TokenCacheStatus
  /** The effective lifetimes of what is made here; `accessToken` is `null` in single-token mode. */
  readonly lifetimes: { readonly accessToken: number | null; readonly session: number; readonly idle: number }
  /** How late a revoke may bite here: 0 when no verify that begins after it is accepted. */
  readonly maxStaleness: number
  /** Sessions that are watched. */
  readonly watched: number
  /** What is heard of other processes; `null` without the option `outbox`. */
  readonly outbox: OutboxStatus | null
  /** Which settings make a promise weaker than it could be, in words for an operator; best empty. */
  readonly weakened: readonly string[]
}

export function status<Claims, Transaction>({
  accessTokens,
  lookup,
  policy,
  store,
  outbox,
  watches,
}: Context<Claims, Transaction>): SessionsStatus {
  return {
    accessTokens: accessTokens.status(),
    ...lookup.status(),
    lifetimes: {
      accessToken: policy.accessToken?.lifetime ?? null,
      session: policy.lifetime,
      idle: policy.idleLifetime,
    },
    maxStaleness: policy.maxStaleness,
    watched: watches.size(),
    outbox: outbox?.status() ?? null,
    weakened: [...weakened(policy), ...(store.weakened?.() ?? [])],
  }
}

function weakened({ maxStaleness, clockTolerance }: Context<unknown, never>['policy']): string[] {
  const found: string[] = []
  if (maxStaleness > 0)
    found.push(`freshness.maxStaleness: a revoked session may be accepted for ${maxStaleness} ms after its revoke`)
  if (clockTolerance > 60_000)
    found.push(`clockTolerance: expired access tokens are accepted for ${clockTolerance} ms more`)
  return found
}
