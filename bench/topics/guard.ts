import { checkContender } from '../contenders/contender.js'
import { onEachEngine, type Database } from '../databases.js'
import { fill, keyOf, type Roll } from '../fill.js'
import type { HttpContender } from '../http/contenders.js'
import { frameworks, guardings, openGuards, type Framework } from '../http/guards.js'
import { connections, measureLoad } from '../http/load.js'
import { formatRate, formatRatio, markdownTable } from '../markdown.js'
import { packageVersions } from '../package-versions.js'
import { interleave } from '../rounds.js'
import type { Settings } from '../settings.js'
import { quartiles, ratios } from '../statistics.js'
import { drawSample, openKeys } from '../tokens.js'
import type { Topic } from '../topic.js'

const roll: Roll = { users: 50_000, sessions: 100_000 }
const measured = 1_000
/** Milliseconds of a turn: connecting and the first requests are a small part of it. */
const turn = 1_500
const packages = 'hono @hono/node-server express fastify knex pg autocannon'.split(' ')

type Log = (line: string) => void
interface Figure {
  readonly perSecond: number
  /** Nanoseconds of a core that the server's process used for a request. */
  readonly cpuTime: number
}
/** By what stands before the route, and by round. */
type Figures = Readonly<Record<string, readonly Figure[]>>

interface Case {
  readonly framework: string
  readonly figures: Figures
}

/** What the guard costs a route, on each framework. */
export const guard: Topic = {
  name: 'guard',

  async measure(settings, log) {
    const cases: Case[] = []
    const versions = await onEachEngine(['postgres'], log, async (database) => {
      log(`guard: filling ${database.version}`)
      await fill(database, roll)
      cases.push(...(await measureFrameworks(database, settings, log)))
    })
    const table = tableOf(cases)
    const perRound = `${turnOf(settings) / 1_000} s per server`
    return { caption, table, versions: [...versions, ...(await packageVersions(packages))], perRound, cases }
  },
}

const caption =
  'What stands before one and the same route, beside the bare route of the same framework: ' +
  `requests per second (median) over ${connections} kept-alive connections, and how many times as many as the bare route; the time of a core that the server's process takes for each, ` +
  'and how much more than the bare route (medians and quartiles of the rounds). That of PostgreSQL and of the load generator, which share the two cores, is not in it. ' +
  'Each server is a process of its own that answers with the id of a user as JSON, with `NODE_ENV=production` and no log; Hono runs on @hono/node-server with `overrideGlobalObjects: false`, Express without `x-powered-by`, Fastify with a schema of its answer. ' +
  `autocannon, in another process, sends the credentials of ${measured.toLocaleString('en-US')} random sessions of ${roll.sessions.toLocaleString('en-US')}, dealt out anew to its connections in each round; any answer but 2xx fails the run. The frameworks are measured one after another. ` +
  'A middleware or hook that only awaits shows what any of them costs, whatever it does. ' +
  'Where the guard keeps sessions it may do so for an hour, so that after the warm-up it reads none; the strict one asks PostgreSQL, with a pool of 10 connections. ' +
  'Before the rounds each guard accepted live sessions and refused one that had ended: the strict one at once, the others within a second, by their bus.'

/**
 * One framework after another: its servers are compared with each other only, and one that waited long for its turn may
 * come back faster or slower than it was.
 */
async function measureFrameworks(database: Database, settings: Settings, log: Log): Promise<Case[]> {
  // The last ones are ended in the checks.
  const sample = await drawSample(await openKeys(), roll, measured + frameworks.length * guardings.length)
  const cases: Case[] = []
  for (const framework of frameworks) {
    log(`guard: starting the servers of ${framework.name}`)
    const firstVictim = measured + cases.length * guardings.length
    cases.push({ framework: framework.name, figures: await measureGuards(framework, firstVictim) })
  }
  return cases

  async function measureGuards({ name, server }: Framework, firstVictim: number): Promise<Figures> {
    const userIds = sample.sessions.map((session) => keyOf(roll, session).userId)
    const servers: HttpContender[] = []
    try {
      await openGuards(server, database, sample, (opened) => void servers.push(opened))
      for (const [index, opened] of servers.entries()) {
        if (opened.refuses !== null) await checkContender(opened, userIds, firstVictim + index)
      }
      return await interleave(servers, settings.rounds, (opened, round) => {
        log(`guard: ${name}, round ${round} of ${settings.rounds}, ${opened.name}`)
        return measureTurn(opened, turnOf(settings))
      })
    } finally {
      for (const opened of servers) await opened.close()
    }
  }
}

function turnOf({ duration }: Settings): number {
  return Math.max(duration, turn)
}

async function measureTurn({ url, headers, cpuTime }: HttpContender, duration: number): Promise<Figure> {
  const before = await cpuTime()
  const { answered, perSecond } = await measureLoad(url, headers.slice(0, measured), duration)
  return { perSecond, cpuTime: ((await cpuTime()) - before) * (1_000 / answered) }
}

function tableOf(cases: readonly Case[]): string {
  const rows = cases.flatMap(({ framework, figures }) => {
    const bare = columnsOf(figures[guardings[0]!.name]!)
    return Object.entries(figures).map(([name, ofName], index) => {
      const { rates, cpuTimes } = columnsOf(ofName)
      const ratio = index === 0 ? '' : formatRatio(ratios(rates, bare.rates))
      const added = index === 0 ? '' : formatAdded(cpuTimes, bare.cpuTimes)
      return [
        framework,
        name,
        formatRate(quartiles(rates).median),
        ratio,
        formatTime(quartiles(cpuTimes).median),
        added,
      ]
    })
  })
  return markdownTable(
    ['framework', 'before the route', 'per second', 'it ÷ bare', 'CPU per request', 'more than bare'],
    rows,
  )
}

function columnsOf(figures: readonly Figure[]): { readonly rates: number[]; readonly cpuTimes: number[] } {
  return {
    rates: figures.map(({ perSecond }) => perSecond),
    cpuTimes: figures.map(({ cpuTime }) => cpuTime),
  }
}

/** Round by round. */
function formatAdded(ours: readonly number[], theirs: readonly number[]): string {
  const { lower, median, upper } = quartiles(ours.map((time, round) => time - theirs[round]!))
  return `${formatTime(median)} (${microseconds(lower)} to ${microseconds(upper)})`
}

function formatTime(nanoseconds: number): string {
  return `${microseconds(nanoseconds)} µs`
}

function microseconds(nanoseconds: number): string {
  return (nanoseconds / 1_000).toFixed(1)
}
