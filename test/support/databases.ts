import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import knexFactory, { type Knex } from 'knex'
import { inject } from 'vitest'
import { mysqlStore } from '../../adapters/sql/mysql.js'
import { postgresStore } from '../../adapters/sql/postgres.js'
import { sqliteStore } from '../../adapters/sql/sqlite.js'
import type { SqlStore, TableOptions } from '../../adapters/sql/postgres.js'

export type SqlEngineName = 'postgres' | 'mariadb' | 'mysql' | 'sqlite'
export const sqlEngineNames: readonly SqlEngineName[] = ['postgres', 'mariadb', 'mysql', 'sqlite']

/** A database of its own on one of the servers, or a file. */
export interface TestDatabase {
  readonly engine: SqlEngineName
  /** As the demo server takes it. */
  readonly url: string
  /** For a Knex instance of another process. */
  readonly config: Knex.Config
  /** A Knex instance that `drop` destroys. */
  knex(config?: Partial<Knex.Config>): Knex
  drop(): Promise<void>
}

export function isLeftOut(engine: SqlEngineName): boolean {
  return engine !== 'sqlite' && inject('engines')[engine] === null
}

export async function createDatabase(engine: SqlEngineName): Promise<TestDatabase> {
  return engine === 'sqlite' ? createFile() : createOnServer(engine, inject('engines')[engine]!)
}

export function storeFor(engine: SqlEngineName, knex: Knex, options?: TableOptions): SqlStore {
  if (engine === 'postgres') return postgresStore(knex, options)
  return engine === 'sqlite' ? sqliteStore(knex, options) : mysqlStore(knex, options)
}

/** The same on a server that is not one of the run's. */
export async function createOnServer(
  engine: 'postgres' | 'mariadb' | 'mysql',
  serverUrl: string,
): Promise<TestDatabase> {
  const name = `rollcall_test_${randomBytes(6).toString('hex')}`
  const client = engine === 'postgres' ? 'pg' : 'mysql2'
  const url = new URL(serverUrl)
  url.pathname = `/${name}`
  await onServer(client, serverUrl, `create database ${name}`)
  const config = { client, connection: url.href, pool: { min: 0, max: 10 } }
  const { knex, destroyAll } = keepTrack(config)
  return {
    engine,
    url: url.href,
    config,
    knex,
    async drop() {
      await destroyAll()
      await onServer(
        client,
        serverUrl,
        engine === 'postgres' ? `drop database ${name} with (force)` : `drop database ${name}`,
      )
    },
  }
}

async function onServer(client: string, connection: string, sql: string): Promise<void> {
  const knex = knexFactory({ client, connection, pool: { min: 0, max: 1 } })
  await knex.raw(sql)
  await knex.destroy()
}

async function createFile(): Promise<TestDatabase> {
  const folder = await mkdtemp(join(tmpdir(), 'rollcall-test-'))
  const filename = join(folder, 'test.sqlite')
  const config = { client: 'better-sqlite3', connection: { filename }, useNullAsDefault: true }
  const { knex, destroyAll } = keepTrack(config)
  return {
    engine: 'sqlite',
    url: `sqlite:${filename}`,
    config,
    knex,
    async drop() {
      await destroyAll()
      await rm(folder, { recursive: true })
    },
  }
}

/** Tests break connections on purpose; what Knex says of each would bury what the run says. */
const silent: Knex.Logger = { warn: () => {}, error: () => {}, debug: () => {}, deprecate: () => {} }

function keepTrack(base: Knex.Config): { knex: TestDatabase['knex']; destroyAll(): Promise<void> } {
  const open: Knex[] = []
  return {
    knex(config) {
      const knex = knexFactory({ ...base, log: silent, ...config })
      open.push(knex)
      return knex
    },
    async destroyAll() {
      await Promise.all(open.map((knex) => knex.destroy()))
    },
  }
}
