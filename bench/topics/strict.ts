import { rowsAgainstFirst } from '../against.js'
import { openBetterAuth, openBetterAuthCached } from '../contenders/better-auth.js'
import { checkContender, type Contender, type OpenContender } from '../contenders/contender.js'
import { openExpressSession } from '../contenders/express-session.js'
import { openFastifyJwt, openPlainFastifyJwt } from '../contenders/fastify-jwt.js'
import { openKnexBuilder, openRawDriver } from '../contenders/jose.js'
import { openJwtRedis } from '../contenders/jwt-redis.js'
import { openNotingRollcall, openRollcall } from '../contenders/rollcall.js'
import { onEachEngine, type Database } from '../databases.js'
import { fill, keyOf, type Roll } from '../fill.js'
import { markdownTable } from '../markdown.js'
import { packageVersions } from '../package-versions.js'
import { measureRounds } from '../rounds.js'
import type { Settings } from '../settings.js'
import { drawSample, openKeys } from '../tokens.js'
import type { Topic } from '../topic.js'

type Log = (line: string) => void

const roll: Roll = { users: 500_000, sessions: 1_000_000 }
const measured = 5_000
const callerCounts = [1, 64]

const everywhere: readonly OpenContender[] = [openRollcall, openRawDriver, openKnexBuilder, openNotingRollcall]
const onPostgres: readonly OpenContender[] = [
  openFastifyJwt,
  openPlainFastifyJwt,
  openExpressSession,
  openBetterAuth,
  openBetterAuthCached,
]
const packages =
  'jose pg mysql2 better-sqlite3 knex @fastify/jwt express-session connect-pg-simple better-auth kysely jwt-redis redis'.split(
    ' ',
  )

interface Case {
  readonly engine: string
  readonly callers: number
  /** Verifies per second, by variant and round. */
  readonly rates: Record<string, number[]>
}

/** The whole strict `verify`, beside other ways to ask on every request whether a session stands. */
export const strict: Topic = {
  name: 'strict',

  async measure(settings, log) {
    const besides: string[] = []
    const cases: Case[] = []
    const versions = await onEachEngine(settings.engines, log, async (database) => {
      log(`strict: filling ${database.version}`)
      await fill(database, roll)
      await measureEngine(database, settings, { cases, versions: besides, log })
    })
    const table = markdownTable(
      ['engine', 'callers', 'variant', 'per second', 'rollcall ÷ it'],
      cases.flatMap(({ engine, callers, rates }) =>
        rowsAgainstFirst(rates).map((row) => [engine, String(callers), ...row]),
      ),
    )
    return { caption, table, versions: [...versions, ...besides, ...(await packageVersions(packages))], cases }
  },
}

const caption =
  'Strict verifies per second (median) by callers at the same time, and how many times as many rollcall does (median and ' +
  'quartiles of the rounds): each tells from a token or cookie whether its session stands now. ' +
  `${roll.sessions.toLocaleString('en-US')} sessions of ${roll.users.toLocaleString('en-US')} users; the credentials of ${measured.toLocaleString('en-US')} random sessions of them, ` +
  'HS256, in random order; pools of 10 connections (SQLite: 1). rollcall is `sessions.verify` with `maxStaleness` 0 and its cache of verified ' +
  'signatures, which knows these tokens: each variant verified all of them once before. Like the others here it writes nothing. Its second row is the other end: ' +
  'there every verify finds a session whose last use is more than a minute old and notes the new one, a write for each verify, in the background; the time until all are written counts. ' +
  'The raw driver and the Knex builder read five columns by the same join after `jwtVerify` of jose; the raw driver with a prepared statement. ' +
  '@fastify/jwt is `app.jwt.verify` and then the function of a `trusted` hook with that statement, prepared and not, called one after the other, without a request around them. ' +
  'express-session is the middleware up to `next()`, with a request and response of the parts that it looks at. ' +
  'better-auth is `auth.api.getSession` over its own tables; with its cookie cache on, it asks nobody and accepts a session that ended until the cookie is over. ' +
  'jwt-redis is its `verify` over one connection to a Redis on the same machine, whose client sends together what many callers ask. ' +
  'Before the rounds each variant accepted a live session and, but for that cookie cache, refused one that had ended.'

interface Results {
  readonly cases: Case[]
  readonly versions: string[]
  readonly log: Log
}

async function measureEngine(database: Database, settings: Settings, { cases, versions, log }: Results): Promise<void> {
  const sample = await drawSample(await openKeys(), roll, measured + 10)
  const contenders: Contender[] = []
  try {
    for (const open of everywhere) contenders.push(await open(database, sample))
    if (database.engine === 'postgres') {
      for (const open of onPostgres) contenders.push(await open(database, sample))
      const redis = await openJwtRedis(sample)
      contenders.push(redis)
      versions.push(redis.version)
    }
    const userIds = sample.sessions.map((session) => keyOf(roll, session).userId)
    for (const [index, contender] of contenders.entries()) await checkContender(contender, userIds, measured + index)
    for (const { check } of contenders) for (let place = 0; place < measured; place += 1) await check(place)
    for (const callers of callerCounts) {
      log(`strict: ${database.version}, callers: ${callers}`)
      cases.push(await measureCase(database.version, contenders, callers, settings))
    }
  } finally {
    for (const contender of contenders) await contender.close()
  }
}

async function measureCase(
  engine: string,
  contenders: readonly Contender[],
  callers: number,
  { rounds, duration }: Settings,
): Promise<Case> {
  const variants = contenders.map(({ name, check, settle }) => ({
    name,
    ...(settle && { settle }),
    async operate() {
      if ((await check(Math.floor(Math.random() * measured))) === null)
        throw new Error(`${name} refuses a live session`)
    },
  }))
  return { engine, callers, rates: await measureRounds(variants, { rounds, duration, callers }) }
}
