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

  function connect(
    session: unknown,
  ): new (options: { pool: Pool; tableName: string; pruneSessionInterval: false; disableTouch: true }) => object
  export = connect
}

/** What express-session adds to a request. */
declare namespace Express {
  interface Request {
    readonly session: { readonly userId?: string }
  }
}

declare module 'autocannon' {
  import type { EventEmitter } from 'node:events'

  interface Client {
    setRequests(requests: { headers: Readonly<Record<string, string>> }[]): void
  }
  interface Result {
    readonly '2xx': number
    readonly non2xx: number
    /** Time-outs among them. */
    readonly errors: number
    readonly statusCodeStats: Record<string, { readonly count: number }>
  }
  function autocannon(options: {
    url: string
    connections: number
    /** Seconds. */
    duration: number
    /** Milliseconds. */
    sampleInt: number
    setupClient: (client: Client) => void
  }): EventEmitter & PromiseLike<Result>
  export = autocannon
}
