// What the benchmarks call of packages that bring no types.

declare module 'jsonwebtoken' {
  import type { KeyObject } from 'node:crypto'

  export function verify(
    token: string,
    key: KeyObject,
    options: { algorithms: string[]; issuer: string; audience: string },
  ): { readonly sub: string }
}

declare module 'express-session' {
  function session(options: {
    secret: string
    store: object
    resave: boolean
    saveUninitialized: boolean
  }): (request: object, response: object, next: (error?: unknown) => void) => void
  export = session
}

declare module 'connect-pg-simple' {
  import type { Pool } from 'pg'

  interface Store {
    destroy(sid: string, callback: (error: unknown) => void): void
    close(): Promise<void>
  }
  function connect(
    session: unknown,
  ): new (options: { pool: Pool; tableName: string; pruneSessionInterval: false }) => Store
  export = connect
}
