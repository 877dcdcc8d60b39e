import { onEachEngine, type Database } from '../databases.js'
import { fill, keyOf, type Key, type Roll } from '../fill.js'
import { formatRate, formatRatio, markdownTable } from '../markdown.js'
import { prepareRaw } from '../raw-drivers.js'
import { measureRounds } from '../rounds.js'
import type { Settings } from '../settings.js'
import { quartiles, ratios } from '../statistics.js'
import type { Topic } from '../topic.js'

const roll: Roll = { users: 50_000, sessions: 100_000 }
const callerCounts = [1, 64]
const [ours, driver, raw, builder] = ['rollcall', 'raw driver', '`knex.raw`', 'Knex builder'] as const

interface Case {
  readonly engine: string
  readonly callers: number
  /** Lookups per second, by variant and round. */
  readonly rates: Record<string, number[]>
}

/** A store's lookup of one session, one by one, beside the same join through the driver and through Knex. */
export const lookup: Topic = {
  name: 'lookup',

  async measure(settings, log) {
    const cases: Case[] = []
    const versions = await onEachEngine(settings.engines, log, async (database) => {
      await fill(database, roll)
      cases.push(...(await measureEngine(database, settings, log)))
    })
    return { caption, table: tableOf(cases), versions, cases }
  },
}

const caption =
  'Lookups of one session per second (median) and how many times as many as the others (median and quartiles of the ' +
  'rounds), by callers at the same time; ' +
  `${roll.sessions.toLocaleString('en-US')} sessions of ${roll.users.toLocaleString('en-US')} users, random keys, ` +
  'pools of 10 connections (SQLite: 1). The raw driver runs a prepared statement with the same SQL.'

async function measureEngine(
  database: Database,
  { rounds, duration }: Settings,
  log: (line: string) => void,
): Promise<Case[]> {
  const { lookups, close } = openVariants(database)
  const randomKey = (): Key => keyOf(roll, Math.floor(Math.random() * roll.sessions))
  const variants = lookups.map(({ name, find }) => ({ name, operate: () => find(randomKey()) }))
  const cases: Case[] = []
  try {
    for (const variant of lookups) await checkAnswers(variant)
    for (const callers of callerCounts) {
      log(`lookup: ${database.version}, callers: ${callers}`)
      const rates = await measureRounds(variants, { rounds, duration, callers })
      cases.push({ engine: database.version, callers, rates })
    }
  } finally {
    await close()
  }
  return cases
}

interface Lookup {
  readonly name: string
  find(key: Key): Promise<readonly unknown[]>
}

function openVariants(database: Database): { lookups: Lookup[]; close(): Promise<void> } {
  const { knex, store } = database
  const columns = [
    ...'user_id sid token_version jti audience created_at authenticated_at amr acr'.split(' '),
    ...'last_seen_at idle_lifetime idle_expires_at expires_at generation rotated_at used_at previous_jti'.split(' '),
  ].map((column) => `s.${column}`)
  columns.push('u.token_version as user_token_version', 'u.suspended_until')
  const sql = `select ${columns.join(', ')} from rollcall_sessions s join rollcall_users u on u.user_id = s.user_id where s.user_id = ? and s.sid = ?`
  const statement = prepareRaw(database, sql)
  const lookups: Lookup[] = [
    { name: ours, find: (key) => store.lookup([key], {}) },
    { name: driver, find: ({ userId, sid }) => statement.run([userId, sid]) },
    { name: raw, find: async ({ userId, sid }) => rowsOf(await knex.raw(sql, [userId, sid])) },
    {
      name: builder,
      find: ({ userId, sid }) =>
        knex('rollcall_sessions as s')
          .join('rollcall_users as u', 'u.user_id', 's.user_id')
          .where({ 's.user_id': userId, 's.sid': sid })
          .select(columns),
    },
  ]
  return { lookups, close: () => statement.close() }
}

/** `knex.raw` hands the driver's own answer through. */
function rowsOf(answer: { rows: unknown[] } | [unknown[], unknown] | unknown[]): unknown[] {
  if (!Array.isArray(answer)) return answer.rows
  return Array.isArray(answer[0]) ? answer[0] : answer
}

/** A variant that is fast because it finds nothing would be no comparison. */
async function checkAnswers({ name, find }: Lookup): Promise<void> {
  const known = keyOf(roll, roll.sessions - 1)
  const count = async (key: Key): Promise<number> => (await find(key)).filter((row) => row !== null).length
  const [found, missed] = [await count(known), await count({ ...known, sid: 'unknown' })]
  if (found !== 1 || missed !== 0) throw new Error(`${name} finds ${found} of 1 and ${missed} of 0 sessions`)
}

function tableOf(cases: readonly Case[]): string {
  const others = [driver, raw, builder]
  return markdownTable(
    ['engine', 'callers', ours, ...others, ...others.map((name) => `÷ ${name}`)],
    cases.map(({ engine, callers, rates }) => [
      engine,
      String(callers),
      ...[ours, ...others].map((name) => formatRate(quartiles(rates[name]!).median)),
      ...others.map((name) => formatRatio(ratios(rates[ours]!, rates[name]!))),
    ]),
  )
}
