export interface Variant {
  readonly name: string
  /** One operation, on data of its own choice. */
  operate(): Promise<unknown>
}

export interface RoundOptions {
  readonly rounds: number
  /** Milliseconds for each variant in each round. */
  readonly duration: number
  /** How many run the operation at the same time, each one after another. */
  readonly callers: number
}

/**
 * Operations per second of each variant, one figure for each round. A machine's speed drifts, so within a round all
 * variants run, in an order that rotates: only figures of one round are compared. The round before the first warms up.
 */
export async function measureRounds(
  variants: readonly Variant[],
  { rounds, duration, callers }: RoundOptions,
): Promise<Record<string, number[]>> {
  const rates = variants.map(({ name }): [string, number[]] => [name, []])
  for (let round = 0; round <= rounds; round += 1) {
    for (let turn = 0; turn < variants.length; turn += 1) {
      const index = (round + turn) % variants.length
      const rate = await measureRate(variants[index]!, callers, duration)
      if (round > 0) rates[index]![1].push(rate)
    }
  }
  return Object.fromEntries(rates)
}

async function measureRate(variant: Variant, callers: number, duration: number): Promise<number> {
  const start = performance.now()
  let count = 0
  async function call(): Promise<void> {
    while (performance.now() - start < duration) {
      await variant.operate()
      count += 1
    }
  }
  await Promise.all(Array.from({ length: callers }, call))
  return (count * 1_000) / (performance.now() - start)
}
