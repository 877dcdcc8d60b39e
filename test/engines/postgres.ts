import { dirname, join } from 'node:path'
import pg from 'pg'
import type { Place } from './place.js'
import type { Program, Recipe, Started } from './recipe.js'
import { runIn, serveIn } from './run-server.js'

const settings = ['fsync=off', 'max_connections=300']

export const postgres: Recipe = {
  oldest: '15',
  binaries: ['postgres'],
  requiresUser: true,
  debianPackage: 'postgresql',
  image: {
    name: 'postgres:17',
    port: 5432,
    environment: ['POSTGRES_HOST_AUTH_METHOD=trust'],
    args: toArguments(settings),
    url: urlOf,
  },
  readVersion: (output) => /^postgres \(PostgreSQL\) (\d+(?:\.\d+)*)/.exec(output)?.[1] ?? null,
  start: (program, place) => startPostgres(program, place, settings),
  checkServer: checkPostgres,
}

export async function startPostgres(program: Program, place: Place, settings: readonly string[]): Promise<Started> {
  const data = join(place.folder, 'data')
  const initdb = join(dirname(program.path), 'initdb')
  const encoding = ['-E', 'UTF8', '--locale=C']
  await runIn(place, [initdb, '-D', data, '-U', 'postgres', '--auth=trust', '--no-sync', ...encoding])
  const own = [...settings, 'listen_addresses=127.0.0.1', 'unix_socket_directories=']
  const server = await serveIn(place, {
    // Its immediate and its fast shutdown. SIGKILL would leave shared memory behind.
    signals: { 'at once': 'SIGQUIT', 'in order': 'SIGINT' },
    ready: /database system is ready to accept connections/,
    command: (free) => [...program.command, '-D', data, '-p', String(free), ...toArguments(own)],
  })
  return { url: urlOf(server.port), server }
}

async function checkPostgres(url: string): Promise<string> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 10_000 })
  await client.connect()
  try {
    const { rows } = await client.query<{ version: string }>('select version()')
    const text = rows[0]?.version ?? ''
    const version = /^PostgreSQL (\d+(?:\.\d+)*)/.exec(text)?.[1]
    if (version === undefined) throw new Error(`it is not PostgreSQL but ${text}`)
    return version
  } finally {
    await client.end()
  }
}

function toArguments(pairs: readonly string[]): string[] {
  return pairs.flatMap((pair) => ['-c', pair])
}

function urlOf(port: number): string {
  return `postgres://postgres@127.0.0.1:${port}/postgres`
}
