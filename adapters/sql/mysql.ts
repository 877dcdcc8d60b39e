import type { Knex } from 'knex'
import { mysqlDialect } from './mysql-dialect.js'
import { sqlStore, type SqlStore } from './store.js'
import type { TableOptions } from './tables.js'

/**
 * Keeps the roll in MySQL 8.4 or newer or MariaDB 10.11 or newer, through your own Knex instance with client `mysql2`.
 * Run `migrate(knex)` before.
 * @throws TypeError for a Knex instance of another engine or a bad option
 */
export function mysqlStore(knex: Knex, options?: TableOptions): SqlStore {
  return sqlStore('mysqlStore', knex, mysqlDialect, options, ['prefix', 'schema'])
}

export type { SqlStore, TableOptions }
