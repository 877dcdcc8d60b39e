import type { TableNames } from '../../migrations/index.js'
import { checkOptions } from '../../src/options.js'

export interface TableOptions {
  /** Stands before every table and index name: letters, digits and `_`, at most 30. Default `'rollcall_'`. */
  readonly prefix?: string | undefined
  /** The Postgres schema, or MySQL database, that holds the tables; it must exist. Default: the connection's own. */
  readonly schema?: string | undefined
}

/** Identifiers can't be bound as parameters, so nothing but plain names is let in. */
const identifier = /^[A-Za-z_][A-Za-z0-9_]{0,29}$/

/** @throws TypeError when a name is not a plain identifier. */
export function tableNames(
  where: string,
  options: TableOptions | undefined,
  quote: (name: string) => string,
): TableNames {
  checkOptions(where, options, ['prefix', 'schema'])
  const prefix = checkIdentifier('prefix', options?.prefix === undefined ? 'rollcall_' : options.prefix)
  const schema = options?.schema === undefined ? '' : `${quote(checkIdentifier('schema', options.schema))}.`
  const table = (name: string): string => `${schema}${quote(prefix + name)}`
  return {
    users: table('users'),
    sessions: table('sessions'),
    events: table('events'),
    migrations: table('migrations'),
    index: (name) => quote(prefix + name),
  }
}

function checkIdentifier(name: string, value: unknown): string {
  if (typeof value !== 'string' || !identifier.test(value)) {
    throw new TypeError(`${name} must be 1 to 30 letters, digits and underscores, and not begin with a digit`)
  }
  return value
}
