import { serve } from '@hono/node-server'
import type { Knex } from 'knex'
import pg from 'pg'

/** What a server's process is told. */
export interface Given {
  readonly location: string
  readonly config: Knex.Config
  readonly poolSize: number
  /** For a server that comes in two kinds: the one that asks the database less often. */
  readonly isCached: boolean
}

export const given: Given = JSON.parse(process.argv[2]!) as Given

// However the parent ends: nothing else would end this process.
process.once('disconnect', () => process.exit())

export const host = '127.0.0.1'

export function openPool(): pg.Pool {
  return new pg.Pool({ connectionString: given.location, max: given.poolSize })
}

export function serveHono({ fetch }: Pick<Parameters<typeof serve>[0], 'fetch'>): void {
  serve({ fetch, port: 0, hostname: host }, ({ port }) => announce(port))
}

/** Tells the parent where it is reached. */
export function announce(port: number): void {
  process.send!(port)
}
