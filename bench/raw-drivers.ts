import BetterSqlite3 from 'better-sqlite3'
import mysql from 'mysql2'
import pg from 'pg'
import type { Database } from './databases.js'

/** A prepared statement on the driver itself, in the fastest way its interface allows; rows stay as the driver gives them. */
export interface RawStatement {
  run(values: readonly string[]): Promise<readonly unknown[]>
  close(): Promise<void>
}

/** Prepares the SQL, with `?` for its values, on every connection of a pool of the engine's driver. */
export function prepareRaw({ engine, location, poolSize }: Database, sql: string): RawStatement {
  if (engine === 'postgres') return preparePostgres(location, poolSize, sql)
  return engine === 'sqlite' ? prepareSqlite(location, sql) : prepareMysql(location, poolSize, sql)
}

function preparePostgres(url: string, size: number, sql: string): RawStatement {
  const pool = new pg.Pool({ connectionString: url, max: size })
  let count = 0
  const text = sql.replaceAll('?', () => `$${(count += 1)}`)
  return {
    run: async (values) => (await pool.query({ name: 'lookup', text, values: [...values], rowMode: 'array' })).rows,
    close: () => pool.end(),
  }
}

function prepareMysql(url: string, size: number, sql: string): RawStatement {
  const pool = mysql.createPool({ uri: url, connectionLimit: size })
  return {
    run: (values) =>
      new Promise((resolve, reject) => {
        // Neither `mysql2/promise` nor an options object, such as for rows as arrays: both are slower.
        const bytes = values.map((value) => Buffer.from(value))
        pool.execute<mysql.RowDataPacket[]>(sql, bytes, (error, rows) => (error ? reject(error) : resolve(rows)))
      }),
    close: () => pool.promise().end(),
  }
}

function prepareSqlite(filename: string, sql: string): RawStatement {
  const database = new BetterSqlite3(filename, { readonly: true })
  const statement = database.prepare(sql).raw(true)
  return {
    run: async (values) => statement.all(...values),
    close: async () => void database.close(),
  }
}
