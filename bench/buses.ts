import { connect } from '@nats-io/transport-node'
import { Redis } from 'ioredis'
import type { Knex } from 'knex'
import type { Bus } from 'rollcall'
import { natsBus } from 'rollcall/bus/nats'
import { postgresBus } from 'rollcall/bus/postgres'
import { redisBus } from 'rollcall/bus/redis'
import { startEngine } from '../test/engines/index.js'

export const busNames = ['postgres', 'redis', 'nats'] as const
export type BusName = (typeof busNames)[number]

/** That of Postgres is on the server of the database. */
export type BusUrls = Readonly<Record<Exclude<BusName, 'postgres'>, string>>

export interface BusServers {
  readonly urls: BusUrls
  readonly versions: readonly string[]
  close(): Promise<void>
}

export async function startBusServers(log: (line: string) => void): Promise<BusServers> {
  const redis = await startEngine('redis', { log })
  const nats = await startEngine('nats', { log }).catch(async (error: unknown) => {
    await redis.stop()
    throw error
  })
  return {
    urls: { redis: redis.url, nats: nats.url },
    versions: [`Redis ${redis.version}`, `NATS ${nats.version}`],
    async close() {
      await Promise.all([redis.stop(), nats.stop()])
    },
  }
}

export interface OpenBus {
  readonly bus: Bus
  close(): Promise<void>
}

export async function openBus(name: BusName, urls: BusUrls, knex: Knex): Promise<OpenBus> {
  if (name === 'postgres') return { bus: postgresBus(knex), close: async () => {} }
  if (name === 'redis') {
    // Never connected: only its settings are needed.
    const client = new Redis(urls.redis, { lazyConnect: true })
    return { bus: redisBus(client), close: async () => client.disconnect() }
  }
  const connection = await connect({ servers: urls.nats, maxReconnectAttempts: -1 })
  return { bus: natsBus(connection), close: () => connection.close() }
}
