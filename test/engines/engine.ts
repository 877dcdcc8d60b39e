import type { Server } from './run-server.js'

export const engineNames = ['postgres', 'mariadb', 'mysql', 'pgbouncer', 'redis', 'nats'] as const

/** What the tests run on. */
export type EngineName = (typeof engineNames)[number]

/** What can be left out of a run: an engine, or the browser, which is no server. */
export type PartName = EngineName | 'chromium'

/** A server that answers, and the way it was come by. */
export interface Engine {
  readonly name: EngineName
  readonly url: string
  readonly version: string
  /** For example `started from /usr/sbin/mariadbd` or `given by ROLLCALL_TEST_MARIADB_URL`. */
  readonly source: string
  /** To stop it for a while; `null` where it is not ours, or runs in a container. */
  readonly server: Server | null
  /** Ends the server and removes all that was made for it. A server given by its URL is left alone. */
  stop(): Promise<void>
}

export interface StartOptions {
  /** The Postgres behind PgBouncer. Default: a Postgres started for it alone. */
  readonly postgresUrl?: string
  /** Receives progress worth showing, such as a download. Default: none is shown. */
  readonly log?: (line: string) => void
}

export function isPartName(text: string): text is PartName {
  return text === 'chromium' || (engineNames as readonly string[]).includes(text)
}
