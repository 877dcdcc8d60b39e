import type { Knex } from 'knex'
import type { BusUrls } from '../buses.js'
import type { Key } from '../fill.js'
import type { Hearing } from '../outbox-verbs.js'

/** What a process can be told to do. Moments are milliseconds of the clock that all processes of a machine share. */
export interface Orders {
  now(): Promise<number>
  open(hearing: Hearing): Promise<void>
  /** Resolves when each of the tokens was accepted from the cache; from then on they are verified until they are refused. */
  watch(tokens: readonly string[]): Promise<void>
  /** Each at a random moment within as many milliseconds. Answers when the verbs resolved. */
  revoke(sessions: readonly Key[], within: number): Promise<number[]>
  /** When the tokens that are watched were refused first; resolves when all were. */
  refusals(): Promise<number[]>
  close(): Promise<void>
}

export interface NodeSettings {
  readonly config: Knex.Config
  readonly urls: BusUrls
}

export interface Order {
  readonly id: number
  readonly name: keyof Orders
  readonly given: readonly unknown[]
}

export interface Answer {
  readonly id: number
  readonly answer?: unknown
  readonly fault?: string
}

/** By a clock that counts from the start of the machine, and not, as `performance.now()`, from that of the process. */
export function now(): number {
  return Number(process.hrtime.bigint()) / 1e6
}
