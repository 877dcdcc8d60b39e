import BetterSqlite3 from 'better-sqlite3'
import mysql from 'mysql2'
import pg from 'pg'
import type { Database } from './databases.js'

export type RawValue = string | number | null

/** A pool of the engine's driver itself. */
export interface RawDriver {
  /** Prepares the SQL, with `?` for its values, on every connection. */
  prepare(sql: string): Pick<RawStatement, 'run' | 'write'>
  close(): Promise<void>
}

/** A prepared statement on the driver itself, in the fastest way its interface allows; rows stay as the driver gives them. */
export interface RawStatement {
  run(values: readonly RawValue[]): Promise<readonly unknown[]>
  /** The same for a statement that writes; answers how many rows. */
  write(values: readonly RawValue[]): Promise<number>
  close(): Promise<void>
}

export function openRaw({ engine, location, poolSize }: Database): RawDriver {
  if (engine === 'postgres') return openPostgres(location, poolSize)
  return engine === 'sqlite' ? openSqlite(location) : openMysql(location, poolSize)
}

/** One statement with a pool to itself. */
export function prepareRaw(database: Database, sql: string): RawStatement {
  const driver = openRaw(database)
  return { ...driver.prepare(sql), close: () => driver.close() }
}

function openPostgres(url: string, size: number): RawDriver {
  const pool = new pg.Pool({ connectionString: url, max: size })
  let statements = 0
  return {
    prepare(sql) {
      const name = `raw ${(statements += 1)}`
      let count = 0
      const text = sql.replaceAll('?', () => `$${(count += 1)}`)
      const query = (values: readonly RawValue[]): Promise<pg.QueryArrayResult> =>
        pool.query({ name, text, values: [...values], rowMode: 'array' })
      return {
        run: async (values) => (await query(values)).rows,
        write: async (values) => (await query(values)).rowCount ?? 0,
      }
    },
    close: () => pool.end(),
  }
}

function openMysql(url: string, size: number): RawDriver {
  const pool = mysql.createPool({ uri: url, connectionLimit: size })
  return {
    prepare(sql) {
      const execute = <Result extends mysql.QueryResult>(values: readonly RawValue[]): Promise<Result> =>
        new Promise((resolve, reject) => {
          // Neither `mysql2/promise` nor an options object, such as for rows as arrays: both are slower.
          const bytes = values.map((value) => (typeof value === 'string' ? Buffer.from(value) : value))
          pool.execute<Result>(sql, bytes, (error, result) => (error ? reject(error) : resolve(result)))
        })
      return {
        run: (values) => execute<mysql.RowDataPacket[]>(values),
        write: async (values) => (await execute<mysql.ResultSetHeader>(values)).affectedRows,
      }
    },
    close: () => pool.promise().end(),
  }
}

function openSqlite(filename: string): RawDriver {
  const database = new BetterSqlite3(filename)
  return {
    prepare(sql) {
      const statement = database.prepare(sql)
      if (statement.reader) statement.raw(true)
      return {
        run: async (values) => statement.all(...values),
        write: async (values) => statement.run(...values).changes,
      }
    },
    close: async () => void database.close(),
  }
}
