import type { Knex } from 'knex'
import { sqliteDialect } from './sqlite-dialect.js'
import { sqlStore, type SqlStore } from './store.js'
import type { TableOptions } from './tables.js'

/**
 * Keeps the roll in an SQLite file, through your own Knex instance with client `better-sqlite3`. Run `migrate(knex)`
 * before. Several processes may share the file.
 * @throws TypeError for a Knex instance of another engine or a bad option
 */
export function sqliteStore(knex: Knex, options?: Pick<TableOptions, 'prefix'>): SqlStore {
  return sqlStore('sqliteStore', knex, sqliteDialect, options, ['prefix'])
}

export type { SqlStore, TableOptions }
