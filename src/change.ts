import type { Context } from './context.js'
import { checkOptions, checkText } from './options.js'
import type { EventDraft } from './ports/store.js'
import { randomId } from './tokens/format.js'

/** What every verb that ends sessions takes. */
export interface ChangeOptions<Transaction> {
  /**
   * The caller's own open Knex transaction: every query runs on it, and the change commits or rolls back with it.
   * Listeners hear of it after the commit.
   */
  readonly transaction?: Transaction | undefined
  /** Why, for the events table: at most 64 characters. */
  readonly reason?: string | undefined
  /** Who did it, for the events table: at most 255 characters. Default: nobody is named. */
  readonly actor?: string | undefined
}

/** Checks the options and completes the event. Ids are made here, before the write, and begin with the time, so that their index grows at its end. */
export function draftEvent<Claims, Transaction>(
  context: Context<Claims, Transaction>,
  verb: string,
  event: Pick<EventDraft, 'type' | 'userId' | 'sid' | 'reason'>,
  options: ChangeOptions<Transaction> | undefined,
  alsoKnown: readonly string[] = [],
): EventDraft {
  checkOptions(verb, options, ['transaction', 'reason', 'actor', ...alsoKnown])
  const at = context.clock.wall()
  const id = at.toString(16).padStart(12, '0') + randomId(context.random)
  context.outbox?.expect(id)
  return {
    ...event,
    id,
    reason: options?.reason === undefined ? event.reason : checkText('reason', options.reason, 64),
    actor: options?.actor === undefined ? null : checkText('actor', options.actor, 255),
    at,
  }
}
