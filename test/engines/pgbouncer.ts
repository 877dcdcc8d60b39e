import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import type { Place } from './place.js'
import type { Program, Recipe, Started } from './recipe.js'
import { serveIn } from './run-server.js'
import { isAtLeast } from './versions.js'

export const pgbouncer: Recipe = {
  oldest: '1.12',
  binaries: ['pgbouncer'],
  requiresUser: true,
  debianPackage: 'pgbouncer',
  // A container can't reach the loopback port of a Postgres on this machine.
  image: null,
  readVersion: (output) => /^PgBouncer (\d+(?:\.\d+)*)/.exec(output)?.[1] ?? null,
  start: startPgbouncer,
  checkServer: checkPgbouncer,
}

async function startPgbouncer(program: Program, place: Place, postgresUrl: string | undefined): Promise<Started> {
  if (postgresUrl === undefined) throw new Error('PgBouncer needs a Postgres behind it')
  const path = join(place.folder, 'pgbouncer.ini')
  const server = await serveIn(place, {
    signals: { 'at once': 'SIGKILL', 'in order': 'SIGTERM' },
    ready: /process up: /,
    command: async (free) => {
      await writeFile(path, configure(new URL(postgresUrl), free, program.version), { mode: 0o644 })
      return [...program.command, path]
    },
  })
  return { url: `postgres://postgres@127.0.0.1:${server.port}/postgres`, server }
}

function configure(behind: URL, port: number, version: string): string {
  const target = [
    `host=${behind.hostname}`,
    `port=${behind.port || '5432'}`,
    `user=${quote(behind.username)}`,
    ...(behind.password === '' ? [] : [`password=${quote(behind.password)}`]),
  ]
  return [
    '[databases]',
    `* = ${target.join(' ')}`,
    '[pgbouncer]',
    'listen_addr = 127.0.0.1',
    `listen_port = ${port}`,
    'unix_socket_dir =',
    'auth_type = any',
    'pool_mode = transaction',
    // Few server connections taken in turn: the statements of one client move between them.
    'default_pool_size = 4',
    'server_round_robin = 1',
    'max_client_conn = 300',
    'ignore_startup_parameters = extra_float_digits',
    // From 1.24 on PgBouncer carries named statements over by default; the pooler of the tests must not.
    ...(isAtLeast(version, '1.21') ? ['max_prepared_statements = 0'] : []),
    '',
  ].join('\n')
}

function quote(encoded: string): string {
  return `'${decodeURIComponent(encoded).replaceAll("'", "''")}'`
}

/** Asks PgBouncer's console: a query through the pool would reach Postgres and look like it. */
async function checkPgbouncer(url: string): Promise<string> {
  const consoleUrl = new URL(url)
  const database = decodeURIComponent(consoleUrl.pathname.slice(1)) || consoleUrl.username
  consoleUrl.pathname = '/pgbouncer'
  const client = new pg.Client({ connectionString: consoleUrl.href, connectionTimeoutMillis: 10_000 })
  await client.connect().catch((error: unknown) => {
    throw new Error('it has no PgBouncer console, or its user is not among stats_users', { cause: error })
  })
  try {
    const version = await client.query<{ version: string }>('show version')
    const settings = await client.query<{ key: string; value: string }>('show config')
    const databases = await client.query<{ name: string; pool_mode: string | null }>('show databases')
    const ownMode = databases.rows.find(({ name }) => name === database)?.pool_mode
    const mode = ownMode ?? settings.rows.find(({ key }) => key === 'pool_mode')?.value
    if (mode !== 'transaction') throw new Error(`its pool mode is ${mode}, not transaction`)
    return version.rows[0]?.version.replace(/^PgBouncer /, '') ?? 'unknown'
  } finally {
    await client.end()
  }
}
