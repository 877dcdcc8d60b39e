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

declare module 'express' {
  import type { Server } from 'node:http'

  type Middleware = (request: object, response: object, next: (error?: unknown) => void) => void
  interface Request {
    readonly session: { readonly userId?: string }
  }
  interface Response {
    status(code: number): Response
    json(body: object): void
  }
  interface Express {
    disable(setting: 'x-powered-by'): void
    use(middleware: Middleware): void
    get(path: string, handler: (request: Request, response: Response) => void): void
    listen(port: number, host: string): Server
  }
  function express(): Express
  export = express
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
