import type { Settings } from './settings.js'

/** One thing to measure. Each has a file of its own in `topics/`, and a line in `main.ts`. */
export interface Topic {
  readonly name: string
  measure(settings: Settings, log: (line: string) => void): Promise<Measured>
}

export interface Measured {
  /** What the figures in the table are, in Markdown. */
  readonly caption: string
  readonly table: string
  /** Servers and libraries with their versions, such as `MariaDB 10.11.6`. */
  readonly versions: readonly string[]
  /** What was done in a round, where it isn't one duration for each variant. */
  readonly perRound?: string
  /** The rates of every round, for the JSON file. */
  readonly cases: readonly object[]
}
