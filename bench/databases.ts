import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import knexFactory, { type Knex } from 'knex'
import { migrate } from 'rollcall/migrations'
import { mysqlStore } from 'rollcall/mysql'
import { postgresStore, type SqlStore } from 'rollcall/postgres'
import { sqliteStore } from 'rollcall/sqlite'
import type { Engine } from '../test/engines/engine.js'
import { findProgram } from '../test/engines/find-program.js'
import { startEngine } from '../test/engines/index.js'
import { openPlace } from '../test/engines/place.js'
import { postgres, startPostgres } from '../test/engines/postgres.js'

export const engineNames = ['postgres', 'mariadb', 'mysql', 'sqlite'] as const
export type EngineName = (typeof engineNames)[number]

/** A migrated database for one engine's measurements. */
export interface Database {
  readonly engine: EngineName
  /** Such as `MariaDB 10.11.6`. */
  readonly version: string
  /** The server's URL, or the path of the SQLite file. */
  readonly location: string
  /** For a Knex instance of another process. */
  readonly config: Knex.Config
  /** Connections of each pool that takes part. */
  readonly poolSize: number
  readonly knex: Knex
  readonly store: SqlStore
  close(): Promise<void>
}

const titles: Readonly<Record<EngineName, string>> = {
  postgres: 'PostgreSQL',
  mariadb: 'MariaDB',
  mysql: 'MySQL',
  sqlite: 'SQLite',
}

export async function openDatabase(engine: EngineName, log: (line: string) => void): Promise<Database> {
  const place = engine === 'sqlite' ? await openFile() : await openOnServer(engine, await startEngine(engine, { log }))
  return migrated(engine, place)
}

/** Postgres as it comes, which flushes its log at every commit. That of the tests doesn't. */
export async function openDurablePostgres(): Promise<Database> {
  const program = await findProgram(postgres)
  const place = await openPlace({ requiresUser: true })
  try {
    const { url } = await startPostgres(program, place, ['max_connections=300'])
    const server = { url, version: program.version, source: program.path, stop: () => place.close() }
    return await migrated('postgres', await openOnServer('postgres', server))
  } catch (error) {
    await place.close()
    throw error
  }
}

async function migrated(engine: EngineName, place: Place): Promise<Database> {
  const { knex } = place
  await migrate(knex)
  return { ...place, engine, version: `${titles[engine]} ${place.version}`, store: storeFor(engine, knex) }
}

/** Does the work on a database of each engine, one after another. Answers the versions of their servers. */
export async function onEachEngine(
  engines: readonly EngineName[],
  log: (line: string) => void,
  work: (database: Database) => Promise<void>,
): Promise<string[]> {
  const versions: string[] = []
  for (const engine of engines) {
    const database = await openDatabase(engine, log)
    try {
      versions.push(database.version)
      await work(database)
    } finally {
      await database.close()
    }
  }
  return versions
}

/** Where a database is. */
type Place = Pick<Database, 'version' | 'location' | 'config' | 'poolSize' | 'knex' | 'close'>

async function openFile(): Promise<Place> {
  const folder = await mkdtemp(join(tmpdir(), 'rollcall-bench-'))
  const location = join(folder, 'bench.sqlite')
  const config = { client: 'better-sqlite3', connection: { filename: location }, useNullAsDefault: true }
  const knex = knexFactory(config)
  await knex.raw('pragma journal_mode = wal')
  const [row] = await knex.raw<{ version: string }[]>('select sqlite_version() as version')
  const close = async (): Promise<void> => {
    await knex.destroy()
    await rm(folder, { recursive: true })
  }
  return { version: row!.version, location, config, poolSize: 1, knex, close }
}

async function openOnServer(
  engine: Exclude<EngineName, 'sqlite'>,
  server: Pick<Engine, 'url' | 'version' | 'source' | 'stop'>,
): Promise<Place> {
  const client = engine === 'postgres' ? 'pg' : 'mysql2'
  const name = `rollcall_bench_${randomBytes(6).toString('hex')}`
  const url = new URL(server.url)
  url.pathname = `/${name}`
  const isOwn = !server.source.startsWith('given')
  await onServer(client, server.url, [`create database ${name}`, ...(isOwn ? memory[engine] : [])])
  const poolSize = 10
  const config = { client, connection: url.href, pool: { min: 0, max: poolSize } }
  const knex = knexFactory(config)
  const close = async (): Promise<void> => {
    await knex.destroy()
    await onServer(client, server.url, [`drop database ${name}`])
    await server.stop()
  }
  return { version: server.version, location: url.href, config, poolSize, knex, close }
}

/** The servers are started for tests, with little memory and short logs; what is measured here are larger tables. */
const memory: Readonly<Record<Exclude<EngineName, 'sqlite'>, readonly string[]>> = {
  postgres: [`alter system set max_wal_size = '8GB'`, 'select pg_reload_conf()'],
  mariadb: [`set global innodb_buffer_pool_size = ${3 * 2 ** 30}`, `set global innodb_log_file_size = ${2 ** 30}`],
  mysql: [`set global innodb_buffer_pool_size = ${3 * 2 ** 30}`, `set global innodb_redo_log_capacity = ${2 ** 30}`],
}

async function onServer(client: string, connection: string, statements: readonly string[]): Promise<void> {
  const knex = knexFactory({ client, connection, pool: { min: 0, max: 1 } })
  try {
    for (const sql of statements) await knex.raw(sql)
  } finally {
    await knex.destroy()
  }
}

function storeFor(engine: EngineName, knex: Knex): SqlStore {
  if (engine === 'postgres') return postgresStore(knex)
  return engine === 'sqlite' ? sqliteStore(knex) : mysqlStore(knex)
}
