/** The engines that have SQL of their own. MariaDB takes MySQL's. */
export type Engine = 'postgres' | 'mysql' | 'sqlite'

/** Quoted names, with schema where one is set. */
export interface TableNames {
  readonly users: string
  readonly sessions: string
  readonly events: string
  readonly migrations: string
  /** The quoted name of an index. */
  index(name: string): string
}

/**
 * One step of the tables. Appended, never changed: its name stays in databases for ever. Statements may run again
 * after a crash between them, since MySQL commits each by itself: they say `if not exists`, or are known by their
 * error as done.
 */
export interface Migration {
  readonly name: string
  up(engine: Engine, tables: TableNames): readonly string[]
  down(engine: Engine, tables: TableNames): readonly string[]
}
