import { interleave, type RoundOptions, type Variant } from './rounds.js'
import { quantile } from './statistics.js'

/** Of the operations of one round, in whole microseconds. */
export interface Latency {
  readonly p50: number
  readonly p99: number
  readonly count: number
}

/** The latencies of each variant by one caller, one figure for each round. */
export function measureLatencies(
  variants: readonly Variant[],
  { rounds, duration }: { readonly rounds: number; readonly duration: number },
): Promise<Record<string, Latency[]>> {
  return interleave(variants, rounds, (variant) => measureLatency(variant, duration))
}

/** @param isOver ends the measurement before its time */
export async function measureLatency(
  variant: Variant,
  duration: number,
  isOver = (): boolean => false,
): Promise<Latency> {
  const times: number[] = []
  const end = performance.now() + duration
  for (let now = performance.now(); now < end && !isOver();) {
    const start = now
    await variant.operate()
    now = performance.now()
    times.push(now - start)
  }
  return latencyOf(times)
}

/** Operations per second besides. */
export interface Load extends Latency {
  readonly rate: number
}

/** The same by many callers at the same time. */
export async function measureLoad(
  variant: Variant,
  { callers, duration }: Omit<RoundOptions, 'rounds'>,
): Promise<Load> {
  const times: number[] = []
  const start = performance.now()
  async function call(): Promise<void> {
    for (let now = performance.now(); now - start < duration;) {
      const begun = now
      await variant.operate()
      now = performance.now()
      times.push(now - begun)
    }
  }
  await Promise.all(Array.from({ length: callers }, call))
  return { ...latencyOf(times), rate: (times.length * 1_000) / (performance.now() - start) }
}

function latencyOf(times: readonly number[]): Latency {
  const sorted = times.toSorted((left, right) => left - right)
  const microseconds = (share: number): number => Math.round(quantile(sorted, share) * 1_000)
  return { p50: microseconds(0.5), p99: microseconds(0.99), count: sorted.length }
}
