import { fork } from 'node:child_process'
import { once } from 'node:events'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openStream } from '../conformance/http/open-stream.js'
import { chanceOf } from '../support/chance.js'
import { describeSql, secret, type SqlStage } from '../support/sql-stage.js'
import { connectSocketIo, connectWs } from './clients.js'

interface Counts {
  readonly watched: number
  readonly ws: number
  readonly io: number
  readonly isUp: boolean | null
}

/** A process that serves live connections. */
interface Node {
  readonly host: string
  revoke(userId: string, sid: string): Promise<unknown>
  counts(): Promise<Counts>
  stop(): Promise<void>
}

/** A connection of any kind, as far as this test asks. */
interface Connection {
  /** When it ended, and with which code. */
  readonly ended: Promise<{ readonly at: number; readonly code: string }>
  isOpen(): boolean
}

async function startNode(
  { database: { engine, config } }: SqlStage,
  hasBus: boolean,
  pollInterval: number,
): Promise<Node> {
  const settings = JSON.stringify({ engine, config, secret, hasBus, pollInterval })
  const child = fork(new URL('../fixtures/live-node.mjs', import.meta.url), [settings])
  const waiting = new Map<number, (answer: unknown) => void>()
  child.on('message', ({ id, answer }: { id: number; answer: unknown }) => {
    waiting.get(id)?.(answer)
    waiting.delete(id)
  })
  const answerTo = (id: number): Promise<unknown> => new Promise((resolve) => void waiting.set(id, resolve))
  const port = await answerTo(0)
  let calls = 0
  const call = (verb: string, ...given: string[]): Promise<unknown> => {
    const id = (calls += 1)
    const answer = answerTo(id)
    child.send({ id, verb, given })
    return answer
  }
  return {
    host: `127.0.0.1:${String(port)}`,
    revoke: (userId, sid) => call('revoke', userId, sid),
    counts: () => call('counts') as Promise<Counts>,
    async stop() {
      const ended = once(child, 'exit')
      child.disconnect()
      await ended
    },
  }
}

function timed(ended: Promise<string>, isOpen: () => boolean): Connection {
  return { ended: ended.then((code) => ({ at: Date.now(), code })), isOpen }
}

async function connect(kind: 'ws' | 'Socket.IO' | 'events', { host }: Node, token: string): Promise<Connection> {
  if (kind === 'ws') {
    const client = await connectWs(`ws://${host}/`, { token })
    return timed(client.ended, client.isOpen)
  }
  if (kind === 'Socket.IO') {
    const client = await connectSocketIo(`http://${host}`, { token })
    return timed(client.ended, client.isOpen)
  }
  const stream = await openStream(`http://${host}/auth/events`, { authorization: `Bearer ${token}` })
  let isOpen = true
  const follow = async (): Promise<string> => {
    for (let event = await stream.next(); event !== null; event = await stream.next()) {
      if (event.event === 'ended') return (event.data as { code: string }).code
    }
    return 'cut off'
  }
  return timed(
    follow().finally(() => (isOpen = false)),
    () => isOpen,
  )
}

const kinds = ['ws', 'Socket.IO', 'events'] as const

function median(values: readonly number[]): number {
  return values.toSorted((left, right) => left - right)[Math.floor(values.length / 2)]!
}

describeSql(
  'live connections on two processes',
  (stage) => {
    describe.each([
      { title: 'with a bus', hasBus: true, pollInterval: 1_000, rounds: 50, bound: 100 },
      { title: 'without one', hasBus: false, pollInterval: 500, rounds: 4, bound: 500 + 150 },
    ])('$title', ({ title, hasBus, pollInterval, rounds, bound }) => {
      let nodes: Node[]
      beforeAll(async () => {
        nodes = await Promise.all([1, 2].map(() => startNode(stage(), hasBus, pollInterval)))
      })
      afterAll(() => Promise.all(nodes.map((node) => node.stop())))

      test(`end on both when their device is logged out on one, within ${bound} ms in the median of ${rounds}; the others stay`, async () => {
        await expect
          .poll(() => Promise.all(nodes.map(async (node) => (await node.counts()).isUp)))
          .toEqual(nodes.map(() => (hasBus ? true : null)))
        const { sessions } = stage()
        const [here, there] = nodes as [Node, Node]
        const worst: number[] = []
        for (let round = 0; round < rounds; round += 1) {
          const userId = `${title}-${round}`
          const [phone, laptop] = [await sessions.create({ userId }), await sessions.create({ userId })]
          const connectAll = (token: string, count: number): Promise<Connection[]> =>
            Promise.all(
              nodes.flatMap((node) =>
                kinds.flatMap((kind) => Array.from({ length: count }, () => connect(kind, node, token))),
              ),
            )
          // Three of each kind on each process in the first round, one in those that only measure.
          const onPhone = await connectAll(phone.accessToken, round === 0 ? 3 : 1)
          const onLaptop = await connectAll(laptop.accessToken, 1)
          const revokedAt = Date.now()
          await here.revoke(userId, phone.session.sid)
          const ends = await Promise.all(onPhone.map(({ ended }) => ended))
          expect(new Set(ends.map(({ code }) => code))).toEqual(new Set(['session_ended']))
          expect(onLaptop.every((connection) => connection.isOpen())).toBe(true)
          worst.push(Math.max(...ends.map(({ at }) => at - revokedAt)))
          await there.revoke(userId, laptop.session.sid)
          await Promise.all(onLaptop.map(({ ended }) => ended))
        }
        console.log(
          `${title}: ${rounds} logouts, all connections of the device on both processes ended after ${median(worst)} ms (median), ${Math.max(...worst)} ms (worst)`,
        )
        expect(median(worst)).toBeLessThan(bound)
      })
    })

    test('leave nothing of a dead session behind after 1,000 logouts at random', async () => {
      const nodes = await Promise.all([1, 2].map(() => startNode(stage(), true, 200)))
      const { sessions } = stage()
      const chance = chanceOf(7)
      const ends: Promise<unknown>[] = []
      for (let round = 0; round < 1_000; round += 50) {
        await Promise.all(
          Array.from({ length: 50 }, async (_, index) => {
            const userId = `random-${round + index}`
            const { accessToken, session } = await sessions.create({ userId })
            const kind = kinds[Math.floor(chance() * 3)]!
            const [node, other] = chance() < 0.5 ? nodes : nodes.toReversed()
            // Some are logged out while they connect.
            const connecting = connect(kind, node!, accessToken).catch(() => null)
            ends.push(connecting.then((connection) => connection?.ended))
            if (chance() < 0.7) await connecting
            await other!.revoke(userId, session.sid)
          }),
        )
      }
      await Promise.all(ends)
      for (const node of nodes) {
        await expect.poll(() => node.counts(), { timeout: 5_000 }).toMatchObject({ watched: 0, ws: 0, io: 0 })
        await node.stop()
      }
      console.log(`1,000 logouts at random on two processes: 0 connections and 0 watches left`)
    })
  },
  ['postgres'],
)
