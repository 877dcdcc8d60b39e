import { busNames, startBusServers } from '../buses.js'
import { openDatabase, type Database } from '../databases.js'
import { markdownTable } from '../markdown.js'
import { maxStaleness, openOutboxVerbs, type Hearing, type OutboxVerbs } from '../outbox-verbs.js'
import { packageVersions } from '../package-versions.js'
import { startNode, type Node } from '../propagation/start-node.js'
import { interleave } from '../rounds.js'
import { quantile } from '../statistics.js'
import type { Topic } from '../topic.js'

const processes = 4
/** Revokes of one variant in one round. */
const revokes = 70

interface Variant {
  readonly name: string
  readonly hearing: Hearing
  /** Revokes under way at the same time, each at a random moment within as many milliseconds. */
  readonly atOnce: number
  readonly within: number
}

const titles = { postgres: 'Postgres', redis: 'Redis', nats: 'NATS' }
const variants: readonly Variant[] = [
  ...busNames.map((hearing) => ({ name: titles[hearing], hearing, atOnce: 1, within: 0 })),
  { name: 'no bus', hearing: 'polling', atOnce: 14, within: 1_000 },
]

interface Case {
  readonly bus: string
  /** Microseconds from each revoke to the last of the first refusals, by round. */
  readonly delays: readonly (readonly number[])[]
}

/** How long a revoked token is accepted by other processes that keep its session. */
export const propagation: Topic = {
  name: 'propagation',

  async measure({ rounds }, log) {
    const database = await openDatabase('postgres', log)
    const servers = await startBusServers(log)
    const nodes: Node[] = []
    try {
      const settings = { config: database.config, urls: servers.urls }
      for (let count = 0; count < processes; count += 1) nodes.push(await startNode(settings))
      const issuer = await openOutboxVerbs(database, 'nothing', servers.urls)
      const delays = await interleave(variants, rounds, (variant, round) => {
        log(`propagation: round ${round} of ${rounds}, ${variant.name}`)
        return measureRound(nodes, issuer.sessions, variant)
      })
      await issuer.close()
      const cases = variants.map(({ name }) => ({ bus: name, delays: delays[name]! }))
      for (const measured of cases) checkDelays(measured)
      const packages = await packageVersions(['pg', 'ioredis', '@nats-io/transport-node'])
      const versions = [database.version, ...servers.versions, ...packages]
      return { caption, table: tableOf(cases), versions, perRound: `${revokes} revokes per variant`, cases }
    } finally {
      await closeAll(nodes, [servers, database])
    }
  },
}

const caption =
  `From revoke to refusal everywhere, in milliseconds: ${processes} processes on one machine, with \`freshness: { maxStaleness: '1m' }\` and an \`outbox\` with this bus, ` +
  'or none and the default `pollInterval` of 1 second. Each session was verified in all processes until it was accepted from the cache of each; then one process revoked it, ' +
  'and the time runs from when its `revoke` resolved, which is after the commit, to when the last of the other three had first refused the token. ' +
  'Each of them verified it again and again, from its cache, with a timer of 1 ms between two verifies, so the figures are up to a little more than 1 ms above what they stand for. All processes read one clock of the machine ' +
  '(`process.hrtime`), which was checked. Quantiles and the greatest over the revokes of all rounds. With a bus one revoke is under way at a time; without one it is ' +
  `${variants.at(-1)!.atOnce}, each at a random moment within a second. Late are those accepted for longer than \`maxStaleness\`; the command fails when there is one, and when an accepted token was not accepted from the cache.`

/** In which the processes begin anew with this bus. Each of them revokes in turn. */
async function measureRound(
  nodes: readonly Node[],
  issuer: OutboxVerbs['sessions'],
  { hearing, atOnce, within }: Variant,
): Promise<number[]> {
  const delays: number[] = []
  await Promise.all(nodes.map((node) => node.open(hearing)))
  for (let turn = 0; delays.length < revokes; turn += 1) {
    const users = Array.from({ length: atOnce }, (_, index) => `user-${index}`)
    const pairs = await Promise.all(users.map((userId) => issuer.create({ userId })))
    await Promise.all(nodes.map((node) => node.watch(pairs.map(({ accessToken }) => accessToken))))
    const revoker = nodes[turn % nodes.length]!
    const sessions = pairs.map(({ session }, index) => ({ userId: users[index]!, sid: session.sid }))
    const revokedAt = await revoker.revoke(sessions, within)
    const refusedAt = await Promise.all(nodes.map((node) => node.refusals()))
    refusedAt.splice(nodes.indexOf(revoker), 1)
    const lastRefusedAt = revokedAt.map((_, index) => Math.max(...refusedAt.map((moments) => moments[index]!)))
    delays.push(...revokedAt.map((at, index) => Math.round((lastRefusedAt[index]! - at) * 1_000)))
  }
  await Promise.all(nodes.map((node) => node.close()))
  return delays
}

const countLate = (delays: readonly number[]): number => delays.filter((delay) => delay > maxStaleness * 1_000).length

function checkDelays({ bus, delays }: Case): void {
  const late = countLate(delays.flat())
  if (late > 0) throw new Error(`${bus}: ${late} revoked tokens were accepted for longer than maxStaleness`)
}

async function closeAll(nodes: readonly Node[], others: readonly Pick<Database, 'close'>[]): Promise<void> {
  await Promise.all(nodes.map((node) => node.end()))
  for (const other of others) await other.close()
}

function tableOf(cases: readonly Case[]): string {
  const milliseconds = (delay: number): string => (delay / 1_000).toFixed(1)
  return markdownTable(
    ['bus', 'revokes', 'p50', 'p99', 'max', 'late'],
    cases.map(({ bus, delays }) => {
      const sorted = delays.flat().toSorted((left, right) => left - right)
      const quantiles = [0.5, 0.99, 1].map((share) => milliseconds(quantile(sorted, share)))
      return [bus, sorted.length.toLocaleString('en-US'), ...quantiles, String(countLate(sorted))]
    }),
  )
}
