import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import type { Orders } from '../live/orders.js'
import { openStreams } from '../live/streams.js'
import { markdownTable } from '../markdown.js'
import { packageVersions } from '../package-versions.js'
import { interleave } from '../rounds.js'
import { quantile } from '../statistics.js'
import type { Topic } from '../topic.js'

const streams = 10_000
const revokes = 50
const frameworks = ['Hono', 'Express', 'Fastify'].map((name) => ({ name }))
/** Each opens ten thousand connections: few tell enough. */
const mostRounds = 3

interface Round {
  /** Bytes of each stream. */
  readonly heap: number
  readonly process: number
  /** Microseconds. */
  readonly ends: readonly number[]
  readonly stop: number
}

/** What ten thousand open event streams take in one process, and how soon one of them ends. */
export const live: Topic = {
  name: 'live',

  async measure({ rounds }, log) {
    const measured = await interleave(frameworks, Math.min(rounds, mostRounds), ({ name }, round) => {
      log(`live: round ${round}, ${name}`)
      return measureRound(name)
    })
    const cases = frameworks.map(({ name }) => ({ framework: name, rounds: measured[name]! }))
    const versions = await packageVersions(['hono', '@hono/node-server', 'express', 'fastify'])
    return {
      caption,
      table: tableOf(cases),
      versions,
      perRound: `${streams} streams and ${revokes} logouts in a process of its own`,
      cases,
    }
  },
}

const caption =
  `${streams.toLocaleString('en-US')} event streams of as many sessions, open in one process at a time, with the memory store; each client has a socket of its own. Memory is what the process took more ` +
  'with the streams than before them, after garbage collection, divided by their number: of the JavaScript heap, and of the whole process, sockets of Node among it; the sessions themselves are in both figures. ' +
  `An end is the time from the call of \`revoke\` to the \`ended\` in the client's process, of ${revokes} logouts one after the other while all others stay open. The stop is \`auth.close()\` and the server's own, until the last connection is closed.`

async function measureRound(framework: string): Promise<Round> {
  const { port, tell, end } = await startServer(framework)
  const tokens = (await tell('issue', streams)) as readonly string[]
  const before = (await tell('memory')) as Awaited<ReturnType<Orders['memory']>>
  const opened = await openStreams(port, tokens)
  const after = (await tell('memory')) as Awaited<ReturnType<Orders['memory']>>
  const ends: number[] = []
  for (let count = 0; count < revokes; count += 1) {
    const index = Math.floor(((count + 0.5) / revokes) * streams)
    const begunAt = (await tell('revoke', index)) as number
    const at = await opened[index]!.ended
    if (Number.isNaN(at)) throw new Error('a stream broke off')
    ends.push(at - begunAt)
  }
  const stop = (await tell('stop')) as number
  for (const stream of opened) stream.leave()
  await end()
  return { heap: (after.heap - before.heap) / streams, process: (after.process - before.process) / streams, ends, stop }
}

interface Server {
  readonly port: number
  tell<Name extends keyof Orders>(name: Name, ...given: Parameters<Orders[Name]>): Promise<unknown>
  end(): Promise<void>
}

async function startServer(framework: string): Promise<Server> {
  const child: ChildProcess = fork(new URL('../live/server.ts', import.meta.url), [framework], {
    execArgv: [...process.execArgv, '--expose-gc'],
    env: { ...process.env, NODE_ENV: 'production' },
  })
  const ended = once(child, 'exit')
  const [port] = (await once(child, 'message')) as [number]
  return {
    port,
    async tell(name, ...given) {
      child.send({ name, given })
      const [answer] = (await once(child, 'message')) as [unknown]
      return answer
    },
    async end() {
      child.disconnect()
      await ended
    },
  }
}

function tableOf(cases: readonly { readonly framework: string; readonly rounds: readonly Round[] }[]): string {
  const middle = (values: readonly number[]): number =>
    quantile(
      values.toSorted((left, right) => left - right),
      0.5,
    )
  const kilobytes = (bytes: number): string => `${(bytes / 1_024).toFixed(1)} KB`
  const milliseconds = (duration: number): string => `${(duration / 1_000).toFixed(duration < 100_000 ? 1 : 0)} ms`
  return markdownTable(
    ['framework', 'heap per stream', 'process per stream', 'end, p50', 'end, max', 'stop'],
    cases.map(({ framework, rounds }) => {
      const ends = rounds.flatMap((round) => round.ends)
      return [
        framework,
        kilobytes(middle(rounds.map(({ heap }) => heap))),
        kilobytes(middle(rounds.map((round) => round.process))),
        milliseconds(middle(ends)),
        milliseconds(Math.max(...ends)),
        milliseconds(middle(rounds.map(({ stop }) => stop))),
      ]
    }),
  )
}
