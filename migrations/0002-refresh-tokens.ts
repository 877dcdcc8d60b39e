import type { Engine, Migration } from './types.js'

/**
 * What a session knows of its refresh tokens. The columns stay empty in sessions without any, and for programs that
 * know nothing of them yet.
 */
export const refreshTokensMigration: Migration = {
  name: '0002_refresh_tokens',
  up: (engine, { sessions }) => alter(engine, sessions, (name) => `add column ${name} ${types[engine][columns[name]]}`),
  down: (engine, { sessions }) => alter(engine, sessions, (name) => `drop column ${name}`),
}

const columns = {
  generation: 'number',
  rotated_at: 'number',
  used_at: 'number',
  previous_jti: 'id',
  refresh_hash: 'id',
  refresh_salt: 'id',
  refresh_secret_id: 'id',
} as const

type Column = keyof typeof columns

const types: Readonly<Record<Engine, { readonly number: string; readonly id: string }>> = {
  postgres: { number: 'bigint', id: 'text collate "C"' },
  mysql: { number: 'bigint', id: 'varbinary(64)' },
  sqlite: { number: 'integer', id: 'text' },
}

/** One statement, so that an interrupted run leaves all columns or none; SQLite, which can't, alters in a transaction. */
function alter(engine: Engine, table: string, change: (column: Column) => string): readonly string[] {
  const changes = (Object.keys(columns) as Column[]).map(change)
  return engine === 'sqlite'
    ? changes.map((one) => `alter table ${table} ${one}`)
    : [`alter table ${table}\n  ${changes.join(',\n  ')}`]
}
