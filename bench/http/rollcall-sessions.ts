import type { Knex } from 'knex'
import { createSessions, type Duration, type Sessions } from 'rollcall'
import { postgresBus } from 'rollcall/bus/postgres'
import { postgresStore } from 'rollcall/postgres'
import { audience, issuer, openKeys } from '../tokens.js'

/**
 * As the server has them; in the parent, they end sessions of another node.
 * @param maxStaleness Default: asks the database each time
 */
export async function openRollcallSessions(
  knex: Knex,
  maxStaleness?: Duration,
): Promise<Sessions<Record<never, never>, Knex.Transaction>> {
  return createSessions({
    store: postgresStore(knex),
    keys: await openKeys(),
    issuer,
    audience,
    session: { lastSeenInterval: '1d' },
    ...(maxStaleness !== undefined && { freshness: { maxStaleness }, outbox: { bus: postgresBus(knex) } }),
  })
}
