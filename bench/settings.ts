import { parseArgs } from 'node:util'
import { engineNames, type EngineName } from './databases.js'

export interface Settings {
  /** The topics to run, in order. Default: all. */
  readonly topics: readonly string[]
  /** Measured rounds; one more comes before them and isn't counted. Default 15. */
  readonly rounds: number
  /** Milliseconds that each variant runs in each round. Default 400. */
  readonly duration: number
  /** Rounds of a topic that counts: 100, or those of a run for a look. */
  readonly countedRounds: number
  readonly engines: readonly EngineName[]
  /** How many sessions there are in the databases of `growth`, ascending. */
  readonly sizes: readonly number[]
  /** How many dead rows `growth` prunes. */
  readonly prune: number
}

/** What is less than this is for a look; the files that are kept stay as they are. */
const worthKeeping = { rounds: 15, duration: 300, sizes: [10_000, 1_000_000, 10_000_000], prune: 1_000_000 }
const largest = Math.max(...worthKeeping.sizes)
const options = {
  rounds: { type: 'string' },
  duration: { type: 'string' },
  engines: { type: 'string' },
  sizes: { type: 'string' },
  prune: { type: 'string' },
} as const

export function readSettings(args: string[], knownTopics: readonly string[]): Settings {
  const { values, positionals } = parseArgs({ args, allowPositionals: true, options })
  const rounds = positiveInteger('--rounds', values.rounds ?? '15', 100_000)
  const sizes = values.sizes?.split(',').map((size) => positiveInteger('--sizes', size, largest))
  return {
    topics: positionals.length === 0 ? knownTopics : positionals.map((name) => oneOf('topic', name, knownTopics)),
    rounds,
    duration: positiveInteger('--duration', values.duration ?? '400', 100_000),
    countedRounds: rounds < worthKeeping.rounds ? rounds : 100,
    engines: values.engines?.split(',').map((name) => oneOf('engine', name, engineNames)) ?? engineNames,
    sizes: sizes?.toSorted((left, right) => left - right) ?? worthKeeping.sizes,
    prune: positiveInteger('--prune', values.prune ?? String(worthKeeping.prune), largest),
  }
}

export function isWorthKeeping({ rounds, duration, engines, sizes, prune }: Settings): boolean {
  const hasAll = engineNames.every((name) => engines.includes(name))
  const isLarge = worthKeeping.sizes.every((size) => sizes.includes(size)) && prune >= worthKeeping.prune
  return hasAll && isLarge && rounds >= worthKeeping.rounds && duration >= worthKeeping.duration
}

function oneOf<Name extends string>(what: string, given: string, known: readonly Name[]): Name {
  const found = known.find((name) => name === given)
  if (found === undefined) throw new TypeError(`unknown ${what} '${given}'; there are: ${known.join(', ')}`)
  return found
}

function positiveInteger(option: string, given: string, maximum: number): number {
  const isInteger = /^[1-9]\d{0,8}$/.test(given) && Number(given) <= maximum
  if (!isInteger) throw new TypeError(`${option} must be a whole number from 1 to ${maximum}, not '${given}'`)
  return Number(given)
}
