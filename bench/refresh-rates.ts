import { randomBytes } from 'node:crypto'
import type { TokenPair } from 'rollcall'
import type { Database } from './databases.js'
import { grace, openDueVerbs, type DueVerbs } from './due-verbs.js'
import { formatRate, formatRatio, markdownTable } from './markdown.js'
import { openRaw, type RawDriver, type RawValue } from './raw-drivers.js'
import { measureRounds, type Variant } from './rounds.js'
import type { Settings } from './settings.js'
import { quartiles, ratios } from './statistics.js'

const [rotated, driver, unchanged] = ['rollcall', 'raw driver', '`unchanged`'] as const

export interface RatedCase {
  readonly engine: string
  readonly callers: number
  /** Refreshes per second, by variant and round. */
  readonly rates: Record<string, number[]>
}

export async function measureRates(
  database: Database,
  callers: number,
  { rounds, duration }: Settings,
): Promise<RatedCase> {
  const raw = openRaw(database)
  try {
    const variants = [
      await rotations(database, callers),
      await rawRotations(database, raw, callers),
      await unchangedAnswers(database, callers),
    ]
    return { engine: database.version, callers, rates: await measureRounds(variants, { rounds, duration, callers }) }
  } finally {
    await raw.close()
  }
}

function logIn(sessions: DueVerbs['sessions'], name: string, count: number): Promise<TokenPair<string>[]> {
  return Promise.all(Array.from({ length: count }, (_, index) => sessions.create({ userId: `${name}-${index}` })))
}

async function rotations(database: Database, callers: number): Promise<Variant> {
  const { sessions, passGrace } = await openDueVerbs(database)
  const tokens = (await logIn(sessions, `rotated-${callers}`, callers)).map(({ refreshToken }) => refreshToken)
  return {
    name: rotated,
    async operate() {
      const token = tokens.pop()!
      passGrace()
      const { outcome, refreshToken } = await sessions.refresh(token)
      if (outcome !== 'rotated') throw new Error(`a refresh that was due was answered with ${outcome}`)
      tokens.push(refreshToken)
    },
  }
}

async function unchangedAnswers(database: Database, callers: number): Promise<Variant> {
  const { sessions } = await openDueVerbs(database)
  const tokens = (await logIn(sessions, `unchanged-${callers}`, callers)).map(({ refreshToken }) => refreshToken)
  return {
    name: unchanged,
    async operate() {
      const token = tokens.pop()!
      const { outcome } = await sessions.refresh(token)
      if (outcome !== 'unchanged') throw new Error(`a refresh within grace was answered with ${outcome}`)
      tokens.push(token)
    },
  }
}

/** The statements of adapters/sql/refresh.ts, with random texts for what the library derives. */
async function rawRotations(database: Database, raw: RawDriver, callers: number): Promise<Variant> {
  const [read, rotate] = [raw.prepare(select), raw.prepare(compareAndSet)]
  const { sessions } = await openDueVerbs(database)
  const name = `raw-${callers}`
  const pairs = await logIn(sessions, name, callers)
  const rows = await Promise.all(
    pairs.map(async ({ session: { sid } }, index) => {
      const userId = `${name}-${index}`
      const record = await database.store.readForRefresh({ userId, sid }, {})
      return { key: [userId, sid], hash: record!.refreshToken!.hash, generation: 0 }
    }),
  )
  return {
    name: driver,
    async operate() {
      const row = rows.pop()!
      const found = await read.run(row.key)
      const [from, now] = [row.hash, Date.now()]
      row.generation += 1
      row.hash = randomText(32)
      const rotation: RawValue[] = [randomText(16), row.generation, now, null, randomText(16)]
      const token: RawValue[] = [row.hash, randomText(32), 'secret id']
      const changed = await rotate.write([...rotation, ...token, now, now + grace, null, null, ...row.key, from])
      if (found.length !== 1 || changed !== 1)
        throw new Error(`the driver finds ${found.length} and rotates ${changed} of 1 session`)
      rows.push(row)
    },
  }
}

const columns = [
  ...'user_id sid token_version jti audience created_at authenticated_at amr acr'.split(' '),
  ...'last_seen_at idle_lifetime idle_expires_at expires_at generation rotated_at used_at previous_jti'.split(' '),
  ...'device_name device_kind user_agent ip refresh_hash refresh_salt refresh_secret_id'.split(' '),
].map((column) => `s.${column}`)
const select = `select ${columns.join(', ')}, u.token_version as user_token_version, u.suspended_until
   from rollcall_sessions s join rollcall_users u on u.user_id = s.user_id where s.user_id = ? and s.sid = ?`
const compareAndSet = `update rollcall_sessions set jti = ?, generation = ?, rotated_at = ?, used_at = ?, previous_jti = ?,
   refresh_hash = ?, refresh_salt = ?, refresh_secret_id = ?, last_seen_at = ?, idle_expires_at = ?, user_agent = ?, ip = ?
   where user_id = ? and sid = ? and refresh_hash = ?`

function randomText(bytes: number): string {
  return randomBytes(bytes).toString('base64url')
}

export function ratesTable(cases: readonly RatedCase[]): string {
  const others = [driver, unchanged]
  return markdownTable(
    ['engine', 'callers', rotated, ...others, ...others.map((name) => `÷ ${name}`)],
    cases.map(({ engine, callers, rates }) => [
      engine,
      String(callers),
      ...[rotated, ...others].map((name) => formatRate(quartiles(rates[name]!).median)),
      ...others.map((name) => formatRatio(ratios(rates[rotated]!, rates[name]!))),
    ]),
  )
}
