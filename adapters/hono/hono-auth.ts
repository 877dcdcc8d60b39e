import type { Context, ErrorHandler, HonoRequest, MiddlewareHandler } from 'hono'
import type { StatusCode } from 'hono/utils/http-status'
import { fetchAuth } from '../../src/http/fetch-auth.js'
import type { Auth, GuardOptions, RequiredGuardOptions } from '../../src/http/guard.js'
import type { LogInOptions } from '../../src/http/log-in.js'
import { isStream } from '../../src/http/node.js'
import type { ClientInfo, HttpRequest } from '../../src/http/request.js'
import type { HttpOptions } from '../../src/http/settings.js'
import type { Sessions } from '../../src/sessions.js'

export interface HonoAuthOptions extends HttpOptions {
  /**
   * The client's address, for the list of devices. Default: the socket's, on Node. Behind a proxy of yours read the
   * header that it sets; any other is the client's own invention.
   */
  readonly clientIp?: ((context: Context) => string | undefined) | undefined
}

/** What a guarded route finds as `c.get('auth')`; `null` is nobody. For apps of guarded routes: `new Hono<AuthEnv<Claims>>()`. */
export interface AuthEnv<Claims, Nobody = never> {
  readonly Variables: { readonly auth: Auth<Claims> | Nobody }
}

export interface HonoAuth<Claims> {
  /**
   * Lets a request in, and sets `auth`, or answers with the refusal.
   * @throws TypeError for an option that is unknown or of a wrong type
   */
  guard(options?: RequiredGuardOptions): MiddlewareHandler<AuthEnv<Claims>>
  guard(options: GuardOptions): MiddlewareHandler<AuthEnv<Claims, null>>
  /** Answers what is below `basePath`, and leaves the rest to the next: `app.use(auth.routes)`. */
  readonly routes: MiddlewareHandler
  /**
   * After the app has checked who it is: starts a session and answers with its tokens, or with the refusal. A mistake in
   * the options is a 500, too, and so is a cookie of more than 4,096 bytes; `report` hears of it.
   */
  logIn(context: Context, options: LogInOptions): Promise<Response>
  /** Ends the event streams, and tells their clients to come back a little later: before the server stops, or it would wait for them. */
  close(): void
  /**
   * For `app.onError`: answers what the verbs throw by the code table, and an `HTTPException` as it wants to be. Anything else
   * is a 500 that tells nothing, and goes to `report`.
   */
  readonly onError: ErrorHandler
}

/**
 * Guards, session routes and logins for Hono.
 * @example
 * const auth = honoAuth(sessions, { from: 'either' })
 * app.use(auth.routes)
 * app.get('/me', auth.guard(), (c) => c.json(c.get('auth').userId))
 * @throws TypeError for an option that is unknown or of a wrong type
 */
export function honoAuth<Claims>(sessions: Sessions<Claims>, options?: HonoAuthOptions): HonoAuth<Claims> {
  const { clientIp = socketIp, ...rest } = options ?? {}
  if (typeof clientIp !== 'function') throw new TypeError('clientIp must be a function')
  const auth = fetchAuth(sessions, rest)
  const client = (c: Context): ClientInfo => ({ ip: clientIp(c) })
  return {
    guard: ((options: GuardOptions = {}) => {
      const check = auth.guard(options)
      return (async (c, next) => {
        let passed: Auth<Claims> | null
        try {
          passed = await check(c.req.raw)
        } catch (error) {
          return respond(c, auth.answerError(error))
        }
        c.set('auth', passed)
        // Its value is none of ours: with it, Hono could not tell who forgot to return an answer.
        await next()
        return undefined
      }) satisfies MiddlewareHandler<AuthEnv<Claims, null>>
    }) as HonoAuth<Claims>['guard'],
    routes: async (c, next) => {
      if (!auth.owns(c.req.raw)) {
        await next()
        return undefined
      }
      return respond(c, await auth.routes(requestOf(c), client(c)))
    },
    logIn: async (c, options) => respond(c, await auth.logIn(c.req.raw, options, client(c))),
    close: () => auth.close(),
    onError: (error, c) => {
      // As Hono itself does it.
      if ('getResponse' in error) {
        const response = error.getResponse()
        return c.newResponse(response.body, response)
      }
      return respond(c, auth.answerError(error))
    },
  }
}

/**
 * Beside what other parts of the app have set: cookies of theirs, a `Vary`. One by one: of the cookies in a response that
 * is handed over whole, Hono drops ours where others were set, and anybody has touched `c.res` (as `hono/cors` does).
 */
function respond(c: Context, response: Response): Response {
  for (const [name, value] of response.headers)
    c.header(name, value, { append: name === 'set-cookie' || name === 'vary' })
  const { outgoing } = (c.env ?? {}) as { outgoing?: object }
  if (outgoing && isStream(response)) Object.assign(outgoing, { shouldKeepAlive: false })
  return c.newResponse(response.body, response.status as StatusCode)
}

/** Hono keeps what others have read of the body, which can be read but once. */
function requestOf({ req }: Context): HttpRequest {
  const { raw } = req
  if (!raw.bodyUsed) return raw
  return { method: raw.method, url: raw.url, headers: raw.headers, body: readAgain(req) }
}

async function* readAgain(req: HonoRequest): AsyncGenerator<Uint8Array, void> {
  yield new Uint8Array(await req.arrayBuffer())
}

/** Of @hono/node-server; elsewhere, and without a socket, there are no such bindings. */
function socketIp(c: Context): string | undefined {
  const { incoming } = (c.env ?? {}) as { incoming?: { socket?: { remoteAddress?: string } } }
  return incoming?.socket?.remoteAddress
}
