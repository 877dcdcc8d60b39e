import { askStore } from './ask-store.js'
import type { Context } from './context.js'
import { toMilliseconds, type Duration } from './durations.js'
import { checkCount, checkOptions } from './options.js'
import type { PruneCounts } from './ports/store.js'

export interface PruneOptions {
  /** Rows deleted per transaction, 1 to 10,000. Default 500. */
  readonly batchSize?: number | undefined
  /** Batches per call, 1 to 1,000,000. Default 1,000. */
  readonly maxBatches?: number | undefined
  /** How long rows of the events table are kept, 1 minute to 3650 days. Default `'90d'`. */
  readonly eventRetention?: Duration | undefined
}

export async function prune<Claims, Transaction>(
  context: Context<Claims, Transaction>,
  options: PruneOptions | undefined,
): Promise<PruneCounts> {
  checkOptions('prune', options, ['batchSize', 'maxBatches', 'eventRetention'])
  const { batchSize = 500, maxBatches = 1_000, eventRetention = '90d' } = options ?? {}
  checkCount('batchSize', batchSize, 1, 10_000)
  checkCount('maxBatches', maxBatches, 1, 1_000_000)
  const retention = toMilliseconds(eventRetention, 'eventRetention', '1m', '3650d')
  const now = context.clock.wall()
  const counts = { sessions: 0, events: 0 }
  // One batch per deadline: a large clean-up takes long, and each of its batches must not.
  for (let batch = 0; batch < maxBatches; batch += 1) {
    const deleted = await askStore(context, undefined, (store, { signal }) =>
      store.pruneBatch({ now, eventsBefore: now - retention, batchSize }, { signal }),
    )
    counts.sessions += deleted.sessions
    counts.events += deleted.events
    if (!deleted.more) return { ...counts, more: false }
  }
  return { ...counts, more: true }
}
