export interface Variant {
  readonly name: string
  /** One operation, on data of its own choice. */
  operate(): Promise<unknown>
  /** Waits for what the operations left to the background; its time counts. */
  settle?(): Promise<void>
}

export interface RoundOptions {
  readonly rounds: number
  /** Milliseconds for each variant in each round. */
  readonly duration: number
  /** How many run the operation at the same time, each one after another. */
  readonly callers: number
}

/** Operations per second of each variant, one figure for each round. */
export function measureRounds(
  variants: readonly Variant[],
  { rounds, duration, callers }: RoundOptions,
): Promise<Record<string, number[]>> {
  return interleave(variants, rounds, (variant) => measureRate(variant, callers, duration))
}

/**
 * A machine's speed drifts, so within a round all variants run, in an order that rotates: only figures of one round are
 * compared. The round before the first warms up.
 */
export async function interleave<Item extends { readonly name: string }, Figure>(
  items: readonly Item[],
  rounds: number,
  measure: (item: Item, round: number) => Promise<Figure>,
): Promise<Record<string, Figure[]>> {
  const figures = items.map(({ name }): [string, Figure[]] => [name, []])
  for (let round = 0; round <= rounds; round += 1) {
    for (let turn = 0; turn < items.length; turn += 1) {
      const index = (round + turn) % items.length
      const figure = await measure(items[index]!, round)
      if (round > 0) figures[index]![1].push(figure)
    }
  }
  return Object.fromEntries(figures)
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
  await variant.settle?.()
  return (count * 1_000) / (performance.now() - start)
}
