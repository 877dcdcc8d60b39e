// One of several processes with sessions over the same database; does what the benchmark tells it to.
import { setTimeout as sleep } from 'node:timers/promises'
import knexFactory from 'knex'
import { postgresStore } from 'rollcall/postgres'
import { openOutboxVerbs, type OutboxVerbs } from '../outbox-verbs.js'
import { now, type Answer, type NodeSettings, type Order, type Orders } from './orders.js'

const { config, urls } = JSON.parse(process.argv[2]!) as NodeSettings
const knex = knexFactory(config)
const store = postgresStore(knex)
let verbs: OutboxVerbs | null = null
let refusals: Promise<number[]> = Promise.resolve([])

const orders: Orders = {
  now: async () => now(),

  async open(hearing) {
    verbs = await openOutboxVerbs({ knex, store }, hearing, urls)
  },

  async watch(tokens) {
    // The first from the database, so that the next is from what this process keeps.
    for (const token of tokens) await verbs!.sessions.verify(token)
    for (const token of tokens) await verifyFromCache(token)
    refusals = Promise.all(tokens.map(untilRefused))
    // Where it fails before anybody asks for it.
    refusals.catch(() => {})
  },

  revoke: (sessions, within) =>
    Promise.all(
      sessions.map(async ({ userId, sid }) => {
        if (within > 0) await sleep(Math.random() * within)
        const { revoked } = await verbs!.sessions.revoke(userId, sid)
        const revokedAt = now()
        if (revoked !== 1) throw new Error('a session that stood was not there to revoke')
        return revokedAt
      }),
    ),

  refusals: () => refusals,

  async close() {
    await verbs!.close()
    verbs = null
  },
}

async function verifyFromCache(token: string): Promise<void> {
  const { source } = await verbs!.sessions.verify(token)
  if (source !== 'cache') throw new Error(`a session that this process keeps was read from the ${source}`)
}

/** Answers when it was refused first. */
async function untilRefused(token: string): Promise<number> {
  for (;;) {
    try {
      await verifyFromCache(token)
    } catch (error) {
      if ((error as { code?: unknown }).code === 'session_ended') return now()
      throw error
    }
    await sleep(1)
  }
}

async function answer({ id, name, given }: Order): Promise<Answer> {
  try {
    const order = orders[name] as (...given: readonly unknown[]) => Promise<unknown>
    return { id, answer: await order(...given) }
  } catch (error) {
    return { id, fault: (error as Error).stack ?? String(error) }
  }
}

process.on('message', (order: Order) => void answer(order).then((given) => process.send!(given)))
// Also in the middle of something, when the benchmark has failed.
process.on('disconnect', () => process.exit())
