export interface Quartiles {
  readonly lower: number
  readonly median: number
  readonly upper: number
}

export function quartiles(values: readonly number[]): Quartiles {
  const sorted = values.toSorted((left, right) => left - right)
  return { lower: quantile(sorted, 0.25), median: quantile(sorted, 0.5), upper: quantile(sorted, 0.75) }
}

/** How many times faster ours was, round by round. */
export function ratios(ours: readonly number[], theirs: readonly number[]): Quartiles {
  return quartiles(ours.map((rate, round) => rate / theirs[round]!))
}

/** @param sorted ascending and not empty */
export function quantile(sorted: readonly number[], share: number): number {
  const place = (sorted.length - 1) * share
  const [below, above] = [sorted[Math.floor(place)]!, sorted[Math.ceil(place)]!]
  return below + (above - below) * (place % 1)
}
