/** More are not asked for one by one: then all is read again from time to time that they are among. */
const most = 5_000

/**
 * The numbers that were passed over: of transactions that are still open, and of those that were rolled back. The log is
 * noted from its lower numbers to its higher ones, and from one place on without a hole.
 */
export interface Gaps {
  /** The log was read from after one number to another, and these were there. */
  note(after: number, seqs: readonly number[]): void
  /** Those up to a number, ascending. */
  upTo(seq: number): readonly number[]
  /** Whether there were too many to be known. */
  isCrowded(): boolean
  /** Up to this number nothing can appear any more. */
  settle(seq: number): void
}

export function createGaps(): Gaps {
  const missing = new Set<number>()
  let noted = -Infinity
  /** Up to this number they were too many to be kept. */
  let crowded = -Infinity

  function passOver(from: number, to: number): void {
    if (missing.size + to - from > most) {
      missing.clear()
      crowded = to
    } else for (let seq = from; seq < to; seq += 1) missing.add(seq)
  }

  return {
    note(after, seqs) {
      noted = Math.max(noted, after)
      for (const seq of seqs) {
        missing.delete(seq)
        if (seq <= noted) continue
        passOver(noted + 1, seq)
        noted = seq
      }
    },

    upTo: (seq) => [...missing].filter((each) => each <= seq),
    isCrowded: () => crowded > -Infinity,

    settle(seq) {
      if (crowded <= seq) crowded = -Infinity
      for (const each of missing) {
        if (each > seq) break
        missing.delete(each)
      }
    },
  }
}
