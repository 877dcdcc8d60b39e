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
}

/** Fewer rounds, shorter ones or fewer engines are for a look; the files that are kept stay as they are. */
const worthKeeping = { rounds: 15, duration: 300 }

export function readSettings(args: string[], knownTopics: readonly string[]): Settings {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { rounds: { type: 'string' }, duration: { type: 'string' }, engines: { type: 'string' } },
  })
  const rounds = positiveInteger('--rounds', values.rounds ?? '15')
  return {
    topics: positionals.length === 0 ? knownTopics : positionals.map((name) => oneOf('topic', name, knownTopics)),
    rounds,
    duration: positiveInteger('--duration', values.duration ?? '400'),
    countedRounds: rounds < worthKeeping.rounds ? rounds : 100,
    engines: values.engines?.split(',').map((name) => oneOf('engine', name, engineNames)) ?? engineNames,
  }
}

export function isWorthKeeping({ rounds, duration, engines }: Settings): boolean {
  const isWhole = engineNames.every((name) => engines.includes(name))
  return isWhole && rounds >= worthKeeping.rounds && duration >= worthKeeping.duration
}

function oneOf<Name extends string>(what: string, given: string, known: readonly Name[]): Name {
  const found = known.find((name) => name === given)
  if (found === undefined) throw new TypeError(`unknown ${what} '${given}'; there are: ${known.join(', ')}`)
  return found
}

function positiveInteger(option: string, given: string): number {
  if (!/^[1-9]\d{0,5}$/.test(given)) throw new TypeError(`${option} must be a whole number from 1, not '${given}'`)
  return Number(given)
}
