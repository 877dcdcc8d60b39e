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

/** Knows up to which number no row can appear any more. */
export interface Checkpoints {
  /** @param oldest of the transactions that were running when the look began; `null` where that is not known */
  settle(look: Checkpoint, oldest: number | null): number
}

/** @param window milliseconds for which open transactions are waited for where it is not known */
export function createCheckpoints(window: number): Checkpoints {
  let checkpoints: readonly Checkpoint[] = []
  return {
    settle(look, oldest) {
      const isSettled = ({ endedAt }: Checkpoint): boolean => {
        const age = look.begunAt - endedAt
        if (age >= longest) return true
        if (oldest === null) return age >= window
        const later = checkpoints.find(({ begunAt }) => begunAt >= endedAt + settling)
        return later?.next !== undefined && oldest >= later.next
      }
      const settled = checkpoints.findLastIndex(isSettled)
      const { seq } = checkpoints[settled] ?? { seq: 0 }
      checkpoints = checkpoints.slice(settled + 1)
      if (look.endedAt - (checkpoints.at(-1)?.endedAt ?? -Infinity) >= settling) checkpoints = [...checkpoints, look]
      return seq
    },
  }
}
