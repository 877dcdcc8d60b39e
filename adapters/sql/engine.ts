import type { TableNames } from '../../migrations/index.js'
import type { Connections } from './connections.js'
import type { Dialect } from './dialect.js'

/** What every group of store methods is made of. */
export interface SqlEngine {
  readonly dialect: Dialect
  readonly tables: TableNames
  readonly connections: Connections
}
