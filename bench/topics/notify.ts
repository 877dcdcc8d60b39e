import { startBusServers, type BusUrls } from '../buses.js'
import { openDurablePostgres, type Database } from '../databases.js'
import { fill, keyOf, type Roll } from '../fill.js'
import { measureLoad, type Load } from '../latencies.js'
import { formatRate, formatRatio, markdownTable } from '../markdown.js'
import { openRawRevokes } from '../notify/raw-revokes.js'
import { openOutboxVerbs, type Hearing } from '../outbox-verbs.js'
import { packageVersions } from '../package-versions.js'
import { interleave, type Variant } from '../rounds.js'
import { quartiles, ratios } from '../statistics.js'
import type { Topic } from '../topic.js'

const roll: Roll = { users: 500_000, sessions: 500_000 }
const callerCounts = [1, 64]
/** For the connections to be opened, and for readers until they read again only what was written in this time. */
const warmUps = { connections: 100, readers: 1_200 }
const [silent, raw] = ['no outbox', 'driver'] as const

interface Opened extends Pick<Variant, 'operate'> {
  close(): Promise<void>
}

interface Notifying {
  readonly name: string
  /** What its figures are compared with. */
  readonly against: string
  /** Milliseconds for which it runs before it is measured. */
  readonly warmUp: number
  open(): Promise<Opened>
}

interface Case {
  readonly callers: number
  /** By variant and round. */
  readonly loads: Readonly<Record<string, readonly Load[]>>
}

/** What it costs those who revoke that others hear of it. */
export const notify: Topic = {
  name: 'notify',

  async measure({ rounds, duration }, log) {
    const database = await openDurablePostgres()
    const servers = await startBusServers(log)
    try {
      log(`notify: filling ${database.version}`)
      await fill(database, roll)
      const variants = listVariants(database, servers.urls)
      const cases: Case[] = []
      for (const callers of callerCounts) {
        const loads = await interleave(variants, rounds, (variant, round) => {
          if (variant.name === silent) log(`notify: callers: ${callers}, round ${round} of ${rounds}`)
          return measureTurn(variant, callers, duration)
        })
        cases.push({ callers, loads })
      }
      const packages = await packageVersions(['pg', 'knex', 'ioredis', '@nats-io/transport-node'])
      const table = tableOf(variants, cases)
      return { caption, table, versions: [database.version, ...servers.versions, ...packages], cases }
    } finally {
      for (const { close } of [servers, database]) await close()
    }
  },
}

const caption =
  '`revokeAll` of one user after another, on Postgres, by callers at the same time in one process: calls per second and the median and 99th percentile of their milliseconds ' +
  '(medians of the rounds), and how many times as many per second, and as long at the median, as the variant it is compared with (median and quartiles of the rounds). ' +
  `${roll.users.toLocaleString('en-US')} users with one session each; pools of 10 connections; Postgres flushes its log at every commit (\`fsync\` is on). ` +
  'With an outbox the same process reads the events too, and that work is in the figures: once a second, and with a bus also after each message, its own among them. ' +
  'Once a second a look reads again what came in the last seconds; each variant is opened for its turn alone, and those that read run for ' +
  `${warmUps.readers / 1_000} seconds before they are measured, so that what they read again is their own. ` +
  'The driver runs the statements of `revokeAll` in a transaction and does nothing else, while one connection listens; with NOTIFY in the transaction its last statement also calls `pg_notify`, ' +
  'and Postgres then lets only one such transaction commit at a time. rollcall notifies after the commit instead.'

async function measureTurn({ name, warmUp, open }: Notifying, callers: number, duration: number): Promise<Load> {
  const { operate, close } = await open()
  try {
    await measureLoad({ name, operate }, { callers, duration: warmUp })
    return await measureLoad({ name, operate }, { callers, duration })
  } finally {
    await close()
  }
}

function listVariants(database: Database, urls: BusUrls): Notifying[] {
  let next = 0
  const nextUser = (): string => keyOf(roll, next++ % roll.sessions).userId
  const ours = (name: string, hearing: Hearing): Notifying => ({
    name,
    against: silent,
    warmUp: hearing === 'nothing' ? warmUps.connections : warmUps.readers,
    async open() {
      const { sessions, close } = await openOutboxVerbs(database, hearing, urls)
      return { operate: () => sessions.revokeAll(nextUser()), close }
    },
  })
  const driver = (name: string, notifies: boolean): Notifying => ({
    name,
    against: raw,
    warmUp: warmUps.connections,
    open: () => openRawRevokes(database, nextUser, notifies),
  })
  return [
    ours(silent, 'nothing'),
    ours('outbox, no bus', 'polling'),
    ours('bus of Postgres', 'postgres'),
    ours('bus of Redis', 'redis'),
    ours('bus of NATS', 'nats'),
    driver(raw, false),
    driver('driver, NOTIFY in the transaction', true),
  ]
}

function tableOf(variants: readonly Notifying[], cases: readonly Case[]): string {
  return markdownTable(
    ['variant', 'callers', 'per second', 'p50 (ms)', 'p99 (ms)', 'compared with', 'per second ÷ its', 'p50 ÷ its'],
    cases.flatMap(({ callers, loads }) =>
      variants.map(({ name, against }) => {
        const figures = (of: string, figure: 'rate' | 'p50' | 'p99'): number[] => loads[of]!.map((load) => load[figure])
        const milliseconds = (figure: 'p50' | 'p99'): string =>
          (quartiles(figures(name, figure)).median / 1_000).toFixed(2)
        const compare = (figure: 'rate' | 'p50'): string =>
          name === against ? '' : formatRatio(ratios(figures(name, figure), figures(against, figure)))
        return [
          name,
          String(callers),
          formatRate(quartiles(figures(name, 'rate')).median),
          milliseconds('p50'),
          milliseconds('p99'),
          name === against ? '' : against,
          compare('rate'),
          compare('p50'),
        ]
      }),
    ),
  )
}
