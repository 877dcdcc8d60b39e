import { createKeyRing, createSessions } from 'rollcall'
import { faultlessCounts, refreshInRounds, startRefresher, type RefreshCounts } from '../test/support/refreshers.js'
import type { Database } from './databases.js'
import { markdownTable } from './markdown.js'

/** Also that of the processes. */
export const verbs = {
  secret: 'a secret of thirty-two bytes or more',
  issuer: 'https://issuer.example',
  audience: 'https://api.example',
}

interface Size {
  readonly processes: number
  readonly callers: number
  readonly rounds: number
}

export interface CountedCase {
  readonly engine: string
  readonly processes: number
  readonly counts: RefreshCounts
  /** Rows of sessions, users and events that were not there before. */
  readonly extraRows: number
}

/**
 * One session, refreshed by all callers at once in every round.
 * @throws Error when a count is off
 */
export async function countCase(database: Database, size: Size): Promise<CountedCase> {
  const { engine, config, store } = database
  const { secret, issuer, audience } = verbs
  const keys = await createKeyRing({ secret })
  const sessions = createSessions({ store, keys, issuer, audience, refreshToken: { secret } })
  const { refreshToken, session } = await sessions.create({ userId: `counted-${size.processes}-${size.callers}` })
  const before = await countRows(database)
  const refreshers = await Promise.all(
    Array.from({ length: size.processes }, () => startRefresher({ engine, config, secret })),
  )
  try {
    const first = { token: refreshToken, at: session.createdAt.getTime() }
    const { counts } = await refreshInRounds(refreshers, first, size)
    const counted = {
      engine: database.version,
      processes: size.processes,
      counts,
      extraRows: (await countRows(database)) - before,
    }
    check(counted)
    return counted
  } finally {
    await Promise.all(refreshers.map((refresher) => refresher.close()))
  }
}

async function countRows({ knex }: Database): Promise<number> {
  const tables = ['rollcall_sessions', 'rollcall_users', 'rollcall_events']
  const counts = await Promise.all(tables.map((table) => knex(table).count({ rows: '*' })))
  return counts.reduce((sum, [row]) => sum + Number(row!['rows']), 0)
}

function check({ engine, processes, counts, extraRows }: CountedCase): void {
  const expected: Record<string, unknown> = { ...faultlessCounts(counts), extraRows: 0 }
  const found: Record<string, unknown> = { ...counts, extraRows }
  const off = Object.keys(expected).filter((name) => found[name] !== expected[name])
  const list = off.map((name) => `${name} is ${String(found[name])} and not ${String(expected[name])}`)
  // Where no two callers met, nothing was tested.
  if (counts.callers > 2 && counts.lost + counts.conflicts === 0) list.push('no rotation lost a race')
  if (list.length === 0) return
  throw new Error(
    `${engine}, ${processes} processes, ${counts.callers} callers, ${counts.rounds} rounds: ${list.join(', ')}; errors: ${JSON.stringify(counts.faults)}`,
  )
}

export function countsTable(cases: readonly CountedCase[]): string {
  return markdownTable(
    [
      'engine',
      'processes',
      'callers',
      'rotations',
      'one refresh token',
      'one `jti`',
      'answered',
      'verified',
      'lost races',
      'errors',
      'extra rows',
    ],
    cases.map(({ engine, processes, counts, extraRows }) => [
      engine,
      ...[
        processes,
        counts.callers,
        counts.rotations,
        counts.withOneRefreshToken,
        counts.withOneJti,
        counts.answered,
        counts.accepted,
        counts.lost + counts.conflicts,
        Object.values(counts.faults).reduce((sum, count) => sum + count, 0),
        extraRows,
      ].map((count) => count.toLocaleString('en-US')),
    ]),
  )
}
