import { createSessions } from 'rollcall'
import { openRollcall } from '../contenders/rollcall.js'
import { fillDead } from '../fill.js'
import { measureLatency, type Latency } from '../latencies.js'
import { formatRate, formatRatio, markdownTable } from '../markdown.js'
import type { Settings } from '../settings.js'
import { quartiles, ratios } from '../statistics.js'
import { audience, drawSample, issuer, openKeys } from '../tokens.js'
import { measured, type Grown } from './sizes.js'

export interface PruneCase {
  readonly engine: string
  readonly sessions: number
  readonly pruned: number
  readonly seconds: number
  /** Of one caller's lookups, by windows of one round's duration. */
  readonly before: readonly Latency[]
  readonly during: readonly Latency[]
}

/** Deletes dead rows from the process that looks sessions up at the same time. */
export async function measurePrune(
  { database, roll }: Grown,
  { rounds, duration, prune }: Settings,
): Promise<PruneCase> {
  const keys = await openKeys()
  await fillDead(database, roll, prune)
  const count = Math.min(measured, roll.sessions)
  const contender = await openRollcall(database, await drawSample(keys, roll, count))
  const lookup = { name: 'lookup', operate: () => contender.check(Math.floor(Math.random() * count)) }
  for (let place = 0; place < count; place += 1) await contender.check(place)
  const before: Latency[] = []
  for (let round = 0; round < rounds; round += 1) before.push(await measureLatency(lookup, duration))

  const sessions = createSessions({ store: database.store, keys, issuer, audience })
  const state = { isOver: false }
  const start = performance.now()
  const pruning = sessions.prune({ maxBatches: 1_000_000 }).finally(() => (state.isOver = true))
  const during: Latency[] = []
  while (!state.isOver) {
    const latency = await measureLatency(lookup, duration, () => state.isOver)
    // The last window is cut short.
    if (!state.isOver || during.length === 0) during.push(latency)
  }
  const { sessions: pruned } = await pruning
  const seconds = (performance.now() - start) / 1_000
  await sessions.close()
  await contender.close()
  if (pruned !== prune) throw new Error(`${database.version}: pruned ${pruned} of ${prune} dead rows`)
  return { engine: database.version, sessions: roll.sessions, pruned, seconds, before, during }
}

export const pruneCaption: string =
  '`prune` of dead rows, in batches of 500 one after another, while one caller of the same process verifies strictly: median and 99th percentile in ' +
  'microseconds (median of windows as long as a round) before and while it ran, and the second by the first (quartiles of the windows in pairs).'

export function pruneTable(cases: readonly PruneCase[]): string {
  const names = ['p50', 'p99'] as const
  return markdownTable(
    [
      'engine',
      'live sessions',
      'pruned',
      'seconds',
      'rows per second',
      ...names.flatMap((name) => [`${name} before (µs)`, `${name} during`, `${name} during ÷ before`]),
    ],
    cases.map(({ engine, sessions, pruned, seconds, before, during }) => [
      engine,
      ...[sessions, pruned].map(formatRate),
      seconds.toFixed(1),
      formatRate(pruned / seconds),
      ...names.flatMap((name) => {
        const [calm, busy] = [before, during].map((windows) => windows.map((window) => window[name]))
        const pairs = Math.min(calm!.length, busy!.length)
        return [
          ...[calm!, busy!].map((figures) => formatRate(quartiles(figures).median)),
          formatRatio(ratios(busy!.slice(0, pairs), calm!)),
        ]
      }),
    ]),
  )
}
