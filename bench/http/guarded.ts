import knexFactory, { type Knex } from 'knex'
import type { Sessions } from 'rollcall'
import { openRollcallSessions } from './rollcall-sessions.js'
import { given } from './serve.js'

/** What a route without a guard answers: as long as what the others do. */
export const someone = { userId: 'user-10000000' }

/** Kept, they outlast the run: what is measured is the guard, not how often it reads. */
export function openGuarded(): Promise<Sessions<Record<never, never>, Knex.Transaction>> {
  return openRollcallSessions(knexFactory(given.config), given.isCached ? '1h' : undefined)
}
