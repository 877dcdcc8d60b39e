import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { serve } from '@hono/node-server'
import type { Express } from 'express'
import type { Knex } from 'knex'
import pg from 'pg'

/** What a server's process is told. */
export interface Given {
  readonly location: string
  readonly config: Knex.Config
  readonly poolSize: number
  /** For a server that comes in two kinds: the one that asks the database less often. */
  readonly isCached: boolean
  /** For the servers of a guard: what stands before their route. */
  readonly before?: Before | undefined
}

/** A guard that takes tokens from there, or one of the two to compare it with. */
export type Before = 'nothing' | 'await' | 'bearer' | 'cookie'

export const given: Given = JSON.parse(process.argv[2]!) as Given

// However the parent ends: nothing else would end this process.
process.once('disconnect', () => process.exit())
process.on('message', () => process.send!(process.cpuUsage()))

export const host = '127.0.0.1'

export function openPool(): pg.Pool {
  return new pg.Pool({ connectionString: given.location, max: given.poolSize })
}

type HonoOptions = Parameters<typeof serve>[0]

export function serveHono(
  { fetch }: Pick<HonoOptions, 'fetch'>,
  options: Pick<HonoOptions, 'overrideGlobalObjects'> = {},
): void {
  serve({ fetch, port: 0, hostname: host, ...options }, ({ port }) => announce(port))
}

export async function serveExpress(app: Express): Promise<void> {
  const server = app.listen(0, host)
  await once(server, 'listening')
  announce((server.address() as AddressInfo).port)
}

/** Tells the parent where it is reached. */
export function announce(port: number): void {
  process.send!(port)
}
