import { mkdir } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import createKnex, { type Knex } from 'knex'
import type { Store } from 'rollcall'
import { mysqlStore } from 'rollcall/mysql'
import { postgresStore } from 'rollcall/postgres'
import { sqliteStore } from 'rollcall/sqlite'

export interface Database {
  readonly knex: Knex
  readonly store: Store<Knex.Transaction>
  /** For people; without the password. */
  readonly label: string
}

const connectTimeout = 1_500
const shared = {
  pool: { min: 0, max: 10 },
  // A request must be answered within `storeTimeout` also while the database is away.
  acquireConnectionTimeout: 2_000,
  // Knex warns of what it then throws; it is reported with the request that met it.
  log: { warn: () => {} },
}

/**
 * Opens `postgres://...`, `mysql://...`, `mariadb://...` or `sqlite:path`. Servers are not connected to yet.
 * @throws Error for any other URL
 */
export async function openDatabase(url: string): Promise<Database> {
  const scheme = /^([a-z][a-z\d+.-]*):/i.exec(url)?.[1]?.toLowerCase() ?? ''
  if (scheme === 'sqlite') return openSqlite(url.slice('sqlite:'.length))
  if (scheme === 'postgres' || scheme === 'postgresql') return openPostgres(url)
  if (scheme === 'mysql' || scheme === 'mariadb') return openMysql(url)
  const given = scheme === '' ? 'it has no scheme' : `not '${scheme}:'`
  throw new Error(`DATABASE_URL must begin with postgres://, mysql://, mariadb:// or sqlite:, ${given}`)
}

function openPostgres(url: string): Database {
  const label = `Postgres at ${placeOf(url)}`
  const connection = { connectionString: url, connectionTimeoutMillis: connectTimeout, keepAlive: true }
  const knex = createKnex({ client: 'pg', connection, ...shared })
  return { knex, store: postgresStore(knex), label }
}

function openMysql(url: string): Database {
  const label = `MySQL or MariaDB at ${placeOf(url)}`
  const connection = { uri: url, connectTimeout }
  const knex = createKnex({ client: 'mysql2', connection, ...shared })
  return { knex, store: mysqlStore(knex), label }
}

async function openSqlite(path: string): Promise<Database> {
  // `sqlite:///folder/file` is written as often as `sqlite:/folder/file`.
  const filename = path.startsWith('//') ? path.slice(2) : path
  if (filename === '') throw new Error('DATABASE_URL names no SQLite file: sqlite:path')
  await mkdir(dirname(filename), { recursive: true, mode: 0o700 })
  const pool = { min: 0, max: 1, afterCreate: prepareSqlite }
  const knex = createKnex({
    client: 'better-sqlite3',
    connection: { filename },
    useNullAsDefault: true,
    ...shared,
    pool,
  })
  return { knex, store: sqliteStore(knex), label: `SQLite file ${resolve(filename)}` }
}

function prepareSqlite(
  connection: { pragma(text: string): unknown },
  done: (error: unknown, connection: unknown) => void,
): void {
  try {
    // The driver waits in place for another process' write, and all requests wait with it.
    connection.pragma('busy_timeout = 1000')
    connection.pragma('journal_mode = wal')
    // In this journal mode the driver's default may lose the last logouts when the power fails.
    connection.pragma('synchronous = full')
    done(null, connection)
  } catch (error) {
    done(error, connection)
  }
}

function placeOf(url: string): string {
  if (!URL.canParse(url)) throw new Error('DATABASE_URL is not a valid URL')
  const { host, pathname } = new URL(url)
  return host + pathname
}
