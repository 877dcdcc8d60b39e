import { checkContender } from '../contenders/contender.js'
import { onEachEngine, type Database } from '../databases.js'
import { fill, keyOf, type Roll } from '../fill.js'
import { bare, cached, openContenders, strict, type HttpContender } from '../http/contenders.js'
import { connections, measureLoad } from '../http/load.js'
import { formatRate, formatRatio, markdownTable } from '../markdown.js'
import { packageVersions } from '../package-versions.js'
import { interleave } from '../rounds.js'
import type { Settings } from '../settings.js'
import { quartiles, ratios } from '../statistics.js'
import { drawSample, openKeys } from '../tokens.js'
import type { Topic } from '../topic.js'

const roll: Roll = { users: 500_000, sessions: 1_000_000 }
const measured = 1_000
/** Milliseconds of a turn: in less, a server that keeps sessions would mostly read them anew. */
const turn = 4_000
const packages =
  'hono @hono/node-server knex pg better-auth kysely express express-session connect-pg-simple fastify @fastify/jwt autocannon'.split(
    ' ',
  )

interface Measurement {
  /** When each refuses a session that ended. */
  readonly refuses: Readonly<Record<string, HttpContender['refuses']>>
  /** Requests per second, by server and round. */
  readonly rates: Readonly<Record<string, readonly number[]>>
}

/** The check of a credential as part of a server that answers requests. */
export const http: Topic = {
  name: 'http',

  async measure(settings, log) {
    const cases: Measurement[] = []
    const versions = await onEachEngine(['postgres'], log, async (database) => {
      log(`http: filling ${database.version}`)
      await fill(database, roll)
      cases.push(await measureServers(database, settings, log))
    })
    const table = tableOf(cases[0]!)
    const perRound = `${turnOf(settings) / 1_000} s per server`
    return { caption, table, versions: [...versions, ...(await packageVersions(packages))], perRound, cases }
  },
}

const caption =
  `Requests per second (median) over ${connections} kept-alive connections, and how many times as many rollcall serves (median and quartiles of the rounds). ` +
  'Each server is a process of its own that answers with the id of the user as JSON, with `NODE_ENV=production` and no log; all over one PostgreSQL, with a pool of 10 connections each. ' +
  'autocannon, in another process on the same machine, sends the credentials of ' +
  `${measured.toLocaleString('en-US')} random sessions of ${roll.sessions.toLocaleString('en-US')}, dealt out anew to its connections in each round; any answer but 2xx fails the run. ` +
  '`bare` is a Hono route without authentication, which gets the same requests as rollcall; hono/jwt, rollcall and better-auth are middleware before such a route, ' +
  'the latter by `auth.api.getSession`. express-session and @fastify/jwt are servers of Express and Fastify, the one with `disableTouch`, the other with a prepared statement in its `trusted` hook: ' +
  'so nobody writes. Where rollcall may keep sessions for 5 s it begins each turn with none, so that it reads about as often as under steady load. ' +
  'Before the rounds each but `bare` accepted live sessions, and refused one that had ended or, where the table says no, accepted it still; the one with the bus within a second.'

async function measureServers(
  database: Database,
  settings: Settings,
  log: (line: string) => void,
): Promise<Measurement> {
  // The last ones are ended in the checks.
  const sample = await drawSample(await openKeys(), roll, measured + 10)
  const userIds = sample.sessions.map((session) => keyOf(roll, session).userId)
  const contenders: HttpContender[] = []
  try {
    log('http: starting the servers')
    await openContenders(database, sample, (contender) => void contenders.push(contender))
    for (const [index, contender] of contenders.entries()) {
      if (contender.refuses !== null) await checkContender(contender, userIds, measured + index)
    }
    const rates = await interleave(contenders, settings.rounds, async ({ name, url, headers }, round) => {
      log(`http: round ${round} of ${settings.rounds}, ${name}`)
      return (await measureLoad(url, headers.slice(0, measured), turnOf(settings))).perSecond
    })
    return { refuses: Object.fromEntries(contenders.map(({ name, refuses }) => [name, refuses])), rates }
  } finally {
    for (const contender of contenders) await contender.close()
  }
}

function turnOf({ duration }: Settings): number {
  return Math.max(duration, turn)
}

function tableOf({ refuses, rates }: Measurement): string {
  const against = (ours: string, name: string): string =>
    ours === name ? '' : formatRatio(ratios(rates[ours]!, rates[name]!))
  return markdownTable(
    ['server', 'refuses ended sessions', 'per second', `${strict} ÷ it`, `${cached} ÷ it`],
    Object.entries(rates).map(([name, figures]) => [
      name === bare ? '`bare`' : name,
      refuses[name] ?? '',
      formatRate(quartiles(figures).median),
      against(strict, name),
      against(cached, name),
    ]),
  )
}
