import type { Knex } from 'knex'
import { createKeyRing, createSessions, type Sessions } from 'rollcall'
import type { Database } from './databases.js'
import { audience, issuer, secret } from './tokens.js'

/** Verbs whose clock moves on by grace when it is told to. */
export interface DueVerbs {
  readonly sessions: Sessions<Record<never, never>, Knex.Transaction, string>
  /** From then on every pair made before is due for a rotation. */
  passGrace(): void
}

/** Milliseconds by which `passGrace` moves. */
export const grace = 30_000

export async function openDueVerbs({ store }: Database): Promise<DueVerbs> {
  let now = Date.now()
  const after = (ms: number, callback: () => void): (() => void) => {
    const timer = setTimeout(callback, ms)
    return () => clearTimeout(timer)
  }
  const sessions = createSessions({
    store,
    keys: await createKeyRing({ secret }),
    issuer,
    audience,
    refreshToken: { secret, grace },
    session: { lifetime: '3650d', idleLifetime: '3650d' },
    clock: { wall: () => now, mono: () => performance.now(), after },
  })
  return { sessions, passGrace: () => void (now += grace) }
}
