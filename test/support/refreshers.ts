import { fork } from 'node:child_process'
import { once } from 'node:events'
import type { Knex } from 'knex'
import type { RefreshOutcome } from '../../src/notifier.js'

/** Lets callers of one process show a refresh token, all at once. */
export interface Refresher {
  refresh(asked: { readonly token: string; readonly callers: number; readonly at: number }): Promise<RefreshedAtOnce>
  close(): Promise<void>
}

export interface RefreshedAtOnce {
  readonly answers: readonly RefreshAnswer[]
  /** How often a rotation found that another had come first, and how often the engine told it so by a conflict. */
  readonly lost: number
  readonly conflicts: number
}

/** What one caller got; its access token was shown once all callers of its process had theirs. */
export interface RefreshAnswer {
  readonly outcome: RefreshOutcome | null
  readonly refreshToken: string | null
  /** `null` when the access token was refused. */
  readonly jti: string | null
  readonly fault: string | null
}

export interface RefresherOptions {
  readonly engine: 'postgres' | 'mariadb' | 'mysql' | 'sqlite'
  readonly config: Knex.Config
  readonly secret: string
  /** A statement for each new connection. */
  readonly onConnect?: string | undefined
}

/** A process of its own with a pool of its own. */
export async function startRefresher({ engine, config, secret, onConnect }: RefresherOptions): Promise<Refresher> {
  const given = JSON.stringify({ engine, config, secret, onConnect: onConnect ?? null })
  const child = fork(new URL('../fixtures/refresher.mjs', import.meta.url), [given])
  const ended = once(child, 'exit')
  const next = async (): Promise<unknown> => {
    const lost = ended.then(() => Promise.reject(new Error('a process that refreshes ended early')))
    const [message] = await Promise.race([once(child, 'message'), lost])
    return message
  }
  await next()

  return {
    async refresh(asked) {
      child.send(asked)
      return (await next()) as RefreshedAtOnce
    },
    async close() {
      child.disconnect()
      await ended
    },
  }
}

/** What came of rounds in which all callers showed one token. */
export interface RefreshCounts {
  readonly rounds: number
  readonly callers: number
  readonly rotations: number
  /** Rounds in which this was so. */
  readonly withOneRotation: number
  readonly withOneRefreshToken: number
  readonly withOneJti: number
  /** Over all rounds. */
  readonly asked: number
  readonly answered: number
  readonly accepted: number
  readonly lost: number
  readonly conflicts: number
  readonly faults: Readonly<Record<string, number>>
}

/** A refresh token, and when it was made. */
export interface MadeToken {
  readonly token: string
  readonly at: number
}

/** By more than the default grace and clock tolerance. */
const pause = 60_000

/** In each round all callers, spread over the processes, show the token that the round before ended with. */
export async function refreshInRounds(
  refreshers: readonly Refresher[],
  first: MadeToken,
  { callers, rounds }: { readonly callers: number; readonly rounds: number },
): Promise<{ counts: RefreshCounts; last: MadeToken }> {
  const sums = { rotations: 0, withOneRotation: 0, withOneRefreshToken: 0, withOneJti: 0 }
  const totals = { asked: callers * rounds, answered: 0, accepted: 0, lost: 0, conflicts: 0 }
  const faults: Record<string, number> = {}
  let { token, at } = first
  for (let round = 0; round < rounds; round += 1) {
    at += pause
    const shares = refreshers.map((_, index) => Math.floor((callers + index) / refreshers.length))
    const done = await Promise.all(
      refreshers.map((refresher, index) => refresher.refresh({ token, callers: shares[index]!, at })),
    )
    const answers = done.flatMap((process) => process.answers)
    const rotations = answers.filter(({ outcome }) => outcome === 'rotated').length
    const tokens = distinct(answers.map(({ refreshToken }) => refreshToken))
    sums.rotations += rotations
    sums.withOneRotation += Number(rotations === 1)
    sums.withOneRefreshToken += Number(tokens.length === 1)
    sums.withOneJti += Number(distinct(answers.map(({ jti }) => jti)).length === 1)
    totals.answered += answers.filter(({ outcome }) => outcome !== null).length
    totals.accepted += answers.filter(({ jti }) => jti !== null).length
    for (const process of done) {
      totals.lost += process.lost
      totals.conflicts += process.conflicts
    }
    for (const { fault } of answers) if (fault !== null) faults[fault] = (faults[fault] ?? 0) + 1
    token = tokens[0] ?? token
  }
  return { counts: { rounds, callers, ...sums, ...totals, faults }, last: { token, at } }
}

/** What the counts are where all is well; `faults` is empty then. */
export function faultlessCounts({
  rounds,
  callers,
}: Pick<RefreshCounts, 'rounds' | 'callers'>): Partial<RefreshCounts> {
  const [every, asked] = [rounds, rounds * callers]
  return {
    rotations: every,
    withOneRotation: every,
    withOneRefreshToken: every,
    withOneJti: every,
    asked,
    answered: asked,
    accepted: asked,
  }
}

function distinct(values: readonly (string | null)[]): string[] {
  return [...new Set(values)].filter((value) => value !== null)
}
