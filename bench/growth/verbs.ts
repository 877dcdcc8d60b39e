import type { Database } from '../databases.js'
import { openDueVerbs, type DueVerbs } from '../due-verbs.js'
import { fillUsers } from '../fill.js'
import { formatRate, formatRatio, markdownTable } from '../markdown.js'
import { interleave } from '../rounds.js'
import type { Settings } from '../settings.js'
import { quartiles, ratios } from '../statistics.js'
import { countWrittenRows, type WrittenRows } from './written-rows.js'

const sizes = [1, 100, 10_000]
const verbs = ['create', 'refresh', 'revoke', 'revokeAll'] as const
type Verb = (typeof verbs)[number]
/** Calls of one round, of which the median counts; `revokeAll` can be called once for each user. */
const calls = 5

/** Microseconds of each verb. */
type Times = Readonly<Record<Verb, number>>

export interface VerbsCase {
  readonly engine: string
  /** By how many sessions the user has, and round. */
  readonly times: Readonly<Record<string, readonly Times[]>>
  readonly rows: Readonly<Record<string, Readonly<Record<Verb, WrittenRows>>>>
}

/** What is written where a user has many sessions, and how long it takes. */
export async function measureVerbs(database: Database, { rounds }: Settings): Promise<VerbsCase> {
  const caller = await openDueVerbs(database)
  const nameOf = (size: number): string => `verbs-${size}`
  // One user for the counts, one to warm up, one for each round.
  for (const size of sizes) await fillUsers(database, nameOf(size), rounds + 2, size)
  const rows: [string, Record<Verb, WrittenRows>][] = []
  for (const size of sizes)
    rows.push([String(size), await countRows(database, caller, `${nameOf(size)}-${rounds + 1}`)])
  checkRows(database.version, Object.fromEntries(rows))
  const items = sizes.map((size) => ({ name: String(size), user: nameOf(size) }))
  const times = await interleave(items, rounds, ({ user }, round) => timeVerbs(caller, `${user}-${round}`))
  await caller.sessions.close()
  return { engine: database.version, times, rows: Object.fromEntries(rows) }
}

async function timeVerbs({ sessions, passGrace }: DueVerbs, userId: string): Promise<Times> {
  const times: Record<Verb, number[]> = { create: [], refresh: [], revoke: [], revokeAll: [] }
  const time = async <Answer>(verb: Verb, work: () => Promise<Answer>): Promise<Answer> => {
    const start = performance.now()
    const answer = await work()
    times[verb].push((performance.now() - start) * 1_000)
    return answer
  }
  for (let call = 0; call < calls; call += 1) {
    const { refreshToken, session } = await time('create', () => sessions.create({ userId }))
    passGrace()
    const { outcome } = await time('refresh', () => sessions.refresh(refreshToken))
    if (outcome !== 'rotated') throw new Error(`a refresh that was due was answered with ${outcome}`)
    const { revoked } = await time('revoke', () => sessions.revoke(userId, session.sid))
    if (revoked !== 1) throw new Error('a session that stood was not there to revoke')
  }
  await time('revokeAll', () => sessions.revokeAll(userId))
  const medians = verbs.map((verb) => [verb, Math.round(quartiles(times[verb]).median)])
  return Object.fromEntries(medians) as Record<Verb, number>
}

async function countRows(database: Database, caller: DueVerbs, userId: string): Promise<Record<Verb, WrittenRows>> {
  const { sessions, passGrace } = caller
  const count = (work: () => Promise<unknown>): Promise<WrittenRows> =>
    countWrittenRows(database, async () => void (await work()))
  let pair = { refreshToken: '', session: { sid: '' } }
  const create = await count(async () => (pair = await sessions.create({ userId })))
  passGrace()
  const refresh = await count(() => sessions.refresh(pair.refreshToken))
  const revoke = await count(() => sessions.revoke(userId, pair.session.sid))
  const revokeAll = await count(() => sessions.revokeAll(userId))
  return { create, refresh, revoke, revokeAll }
}

/** @throws Error when a verb writes more for a user with more sessions, or `revokeAll` more than the user's one row */
function checkRows(engine: string, rows: VerbsCase['rows']): void {
  for (const size of Object.keys(rows)) {
    for (const verb of verbs) {
      const [found, expected] = [rows[size]![verb], rows['1']![verb]].map(describeRows)
      if (found !== expected)
        throw new Error(`${engine}: ${verb} writes ${found} for ${size} sessions, ${expected} for 1`)
    }
  }
  const written = rows['1']!.revokeAll
  const isOne = written['rollcall_users update'] === 1 && written['rollcall_events insert'] === 1
  if (!isOne || Object.keys(written).length !== 2)
    throw new Error(`${engine}: revokeAll writes ${describeRows(written)}`)
}

function describeRows(rows: WrittenRows): string {
  const names = Object.keys(rows).toSorted()
  return names.map((name) => `${rows[name]} × ${name.replace('rollcall_', '')}`).join(', ')
}

export const verbsCaption: string =
  `Times (median of the rounds) by how many sessions the user has, one call after another, and how many times as long as for ` +
  'a user with one (median and quartiles of the rounds); the rows that each call wrote, counted by triggers in a run of its own, were the same ' +
  'for all three, or the command fails. The event is the line of the log that goes with each logout.'

export function verbsTable(cases: readonly VerbsCase[]): string {
  return markdownTable(
    [
      'engine',
      'verb',
      ...sizes.map((size) => `${formatRate(size)} (µs)`),
      ...sizes.slice(1).map((size) => `${formatRate(size)} ÷ 1`),
      'rows written',
    ],
    cases.flatMap(({ engine, times, rows }) =>
      verbs.map((verb) => {
        const bySize = sizes.map((size) => times[String(size)]!.map((round) => round[verb]))
        return [
          engine,
          `\`${verb}\``,
          ...bySize.map((figures) => formatRate(quartiles(figures).median)),
          ...bySize.slice(1).map((figures) => formatRatio(ratios(figures, bySize[0]!))),
          describeRows(rows['1']![verb]),
        ]
      }),
    ),
  )
}
