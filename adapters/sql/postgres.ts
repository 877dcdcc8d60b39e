import type { Knex } from 'knex'
import { postgresDialect } from './postgres-dialect.js'
import { sqlStore, type SqlStore } from './store.js'
import type { TableOptions } from './tables.js'

export interface PostgresStoreOptions extends TableOptions {
  /**
   * Whether the hot lookup is a named prepared statement. Default `true`; a transaction-mode pooler that loses the names
   * is noticed, and names are not used from then on. `false` says so from the start.
   */
  readonly preparedStatements?: boolean | undefined
}

/**
 * Keeps the roll in Postgres 15 or newer, through your own Knex instance with client `pg`. Run `migrate(knex)` before.
 * @throws TypeError for a Knex instance of another engine or a bad option
 */
export function postgresStore(knex: Knex, options?: PostgresStoreOptions): SqlStore {
  return sqlStore('postgresStore', knex, postgresDialect, options, ['prefix', 'schema', 'preparedStatements'])
}

export type { SqlStore, TableOptions }
