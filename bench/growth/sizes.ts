import { openRollcall } from '../contenders/rollcall.js'
import { openDatabase, type Database, type EngineName } from '../databases.js'
import { fill, type Roll } from '../fill.js'
import { measureLatencies, type Latency } from '../latencies.js'
import { formatRate, formatRatio, markdownTable } from '../markdown.js'
import type { Settings } from '../settings.js'
import { quartiles, ratios } from '../statistics.js'
import { drawSample, openKeys } from '../tokens.js'

/** The sessions that are looked up, so that each size is asked for as many. */
export const measured = 10_000

/** A database with as many sessions as its roll says. */
export interface Grown {
  readonly database: Database
  readonly roll: Roll
  readonly filledIn: number
}

export interface SizesCase {
  readonly engine: string
  /** Sessions, and the seconds it took to write them. */
  readonly filledIn: Readonly<Record<string, number>>
  /** By sessions and round. */
  readonly latencies: Readonly<Record<string, readonly Latency[]>>
}

/** One server for each size, so that the rounds of all sizes can take turns. */
export async function grow(
  engine: EngineName,
  sizes: readonly number[],
  log: (line: string) => void,
): Promise<Grown[]> {
  const grown: Grown[] = []
  try {
    for (const sessions of sizes) {
      const database = await openDatabase(engine, log)
      const start = performance.now()
      const roll = { users: sessions % 2 === 0 ? sessions / 2 : sessions, sessions }
      grown.push({ database, roll, filledIn: 0 })
      await fill(database, roll)
      const filledIn = (performance.now() - start) / 1_000
      log(`growth: ${database.version}, ${sessions} sessions filled in ${filledIn.toFixed(1)} s`)
      grown[grown.length - 1] = { database, roll, filledIn }
    }
    return grown
  } catch (error) {
    await closeAll(grown)
    throw error
  }
}

export async function closeAll(grown: readonly Grown[]): Promise<void> {
  for (const { database } of grown) await database.close()
}

/** The whole strict verify by one caller. */
export async function measureSizes(grown: readonly Grown[], settings: Settings): Promise<SizesCase> {
  const keys = await openKeys()
  const opened = await Promise.all(
    grown.map(async ({ database, roll }) => {
      const count = Math.min(measured, roll.sessions)
      const contender = await openRollcall(database, await drawSample(keys, roll, count))
      const operate = (): Promise<unknown> => contender.check(Math.floor(Math.random() * count))
      // All of them once: the pages and the signatures are known, and their use is noted.
      for (let place = 0; place < count; place += 1) await contender.check(place)
      return { name: String(roll.sessions), operate, close: contender.close }
    }),
  )
  try {
    const latencies = await measureLatencies(opened, settings)
    const filledIn = grown.map(({ roll, filledIn }) => [String(roll.sessions), filledIn])
    return { engine: grown[0]!.database.version, filledIn: Object.fromEntries(filledIn), latencies }
  } finally {
    for (const { close } of opened) await close()
  }
}

export const sizesCaption: string =
  'The whole strict `verify` by one caller, without notes of last use: median and 99th percentile in microseconds (median of the rounds), and how many times ' +
  'as long as in the smallest table (median and quartiles of the rounds). ' +
  `The tokens of ${measured.toLocaleString('en-US')} random sessions in random order, after one \`verify\` of each; two sessions for each user; ` +
  'InnoDB with a buffer pool of 3 GiB, PostgreSQL with its default of 128 MB and the pages that the system keeps. A server for each size, all running. ' +
  'The last column is how long it took to write the sessions, with all indexes in place.'

export function sizesTable(cases: readonly SizesCase[]): string {
  return markdownTable(
    ['engine', 'sessions', 'p50 (µs)', 'p99 (µs)', 'p50 ÷ smallest', 'p99 ÷ smallest', 'filled in (s)'],
    cases.flatMap(({ engine, filledIn, latencies }) => {
      const [[, smallest] = []] = Object.entries(latencies)
      return Object.entries(latencies).map(([sessions, rounds], index) => {
        const cells = (['p50', 'p99'] as const).map((name) => rounds.map((round) => round[name]))
        const base = (['p50', 'p99'] as const).map((name) => smallest!.map((round) => round[name]))
        return [
          engine,
          formatRate(Number(sessions)),
          ...cells.map((figures) => formatRate(quartiles(figures).median)),
          ...cells.map((figures, column) => (index === 0 ? '' : formatRatio(ratios(figures, base[column]!)))),
          filledIn[sessions]!.toFixed(1),
        ]
      })
    }),
  )
}
