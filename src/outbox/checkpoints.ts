/** However long a transaction is open, rows that are this old are read again no more. */
export const longest: number = 10 * 60_000

/** The log as far as one look read it. Rows up to `seq` may still appear while transactions of then are open. */
export interface Checkpoint {
  readonly begunAt: number
  readonly endedAt: number
  readonly seq: number
  readonly next: number | undefined
}

/** A number is taken some moments before it is known of its transaction that it runs. */
const settling = 1_000

/** Up to which numbers no row can appear any more, and up to which were read longer ago than the window. */
export interface Settled {
  readonly settled: number
  readonly recent: number
}

/** Knows from where on the log is to be read again. */
export interface Checkpoints {
  /** @param oldest of the transactions that were running when the look began; `null` where that is not known */
  settle(look: Checkpoint, oldest: number | null): Settled
}

/** @param window milliseconds for which open transactions are waited for where it is not known */
export function createCheckpoints(window: number): Checkpoints {
  let checkpoints: readonly Checkpoint[] = []
  return {
    settle(look, oldest) {
      const ageOf = ({ endedAt }: Checkpoint): number => look.begunAt - endedAt
      const isSettled = (checkpoint: Checkpoint): boolean => {
        if (ageOf(checkpoint) >= longest) return true
        if (oldest === null) return ageOf(checkpoint) >= window
        const later = checkpoints.find(({ begunAt }) => begunAt >= checkpoint.endedAt + settling)
        return later?.next !== undefined && oldest >= later.next
      }
      const last = checkpoints.findLastIndex(isSettled)
      const settled = checkpoints[last]?.seq ?? 0
      const recent = checkpoints.findLast((checkpoint) => ageOf(checkpoint) >= window)?.seq ?? 0
      checkpoints = checkpoints.slice(last + 1)
      if (look.endedAt - (checkpoints.at(-1)?.endedAt ?? -Infinity) >= settling) checkpoints = [...checkpoints, look]
      return { settled, recent }
    },
  }
}
