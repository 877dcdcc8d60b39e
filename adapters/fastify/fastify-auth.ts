import type { FastifyInstance, FastifyReply, FastifyRequest, RawServerBase, RouteGenericInterface } from 'fastify'
import { isRollcallError } from '../../src/errors.js'
import { fetchAuth, type FetchAuth } from '../../src/http/fetch-auth.js'
import type { Auth, Guard, GuardOptions } from '../../src/http/guard.js'
import type { LogInOptions } from '../../src/http/log-in.js'
import { headOf, isStream, nodeRequest } from '../../src/http/node.js'
import type { ClientInfo } from '../../src/http/request.js'
import type { HttpOptions } from '../../src/http/settings.js'
import type { Sessions } from '../../src/sessions.js'

/** Over HTTP/1.1 or HTTP/2. */
export type AnyRequest = FastifyRequest<RouteGenericInterface, RawServerBase>
export type AnyReply = FastifyReply<RouteGenericInterface, RawServerBase>

/** A hook for `onRequest`, so that the body of who is refused is not even read, or for `preHandler`. */
export type GuardHook = (request: AnyRequest, reply: AnyReply) => Promise<unknown>

export interface FastifyAuth<Claims> {
  /**
   * Lets a request in, or answers with the refusal. Who it is from, `of` tells.
   * @throws TypeError for an option that is unknown or of a wrong type
   */
  guard(options?: GuardOptions): GuardHook
  /**
   * Who a guarded request is from.
   * @throws TypeError where no guard let anybody in: this is a mistake of the route
   */
  of(request: AnyRequest): Auth<Claims>
  /** The same behind an `optional` guard: `null` is nobody. @throws TypeError where no guard was run */
  find(request: AnyRequest): Auth<Claims> | null
  /** A plugin with the routes below `basePath`: `app.register(auth.routes)`. */
  routes(app: FastifyInstance): Promise<void>
  /**
   * After the app has checked who it is: starts a session and sends its tokens, or the refusal. A mistake in the options
   * is a 500, too, and so is a cookie of more than 4,096 bytes; `report` hears of it.
   */
  logIn(request: AnyRequest, reply: AnyReply, options: LogInOptions): Promise<AnyReply>
  /** Ends the event streams, and tells their clients to come back a little later; `app.close()` does it by itself. */
  close(): void
  /** For `app.setErrorHandler`: answers what the verbs throw by the code table, and leaves other errors to Fastify. */
  onError(error: unknown, request: AnyRequest, reply: AnyReply): Promise<AnyReply>
}

/**
 * Guards, session routes and logins for Fastify 5. The client's address is `request.ip`, and so as far trusted as
 * `trustProxy` says.
 * @example
 * const auth = fastifyAuth(sessions, { from: 'either' })
 * await app.register(auth.routes)
 * app.get('/me', { onRequest: auth.guard() }, async (request) => auth.of(request).userId)
 * @throws TypeError for an option that is unknown or of a wrong type
 */
export function fastifyAuth<Claims>(sessions: Sessions<Claims>, options?: HttpOptions): FastifyAuth<Claims> {
  const auth = fetchAuth(sessions, options)
  // A symbol: a named member would have to be declared, and its type could not know the claims. And not a WeakMap, which
  // took as long as the rest of the guard.
  const passed = Symbol('rollcall')
  type Guarded = AnyRequest & { [passed]?: Auth<Claims> | null }

  function find(request: Guarded): Auth<Claims> | null {
    const found = request[passed]
    if (found === undefined) throw new TypeError('this route has no guard: { onRequest: auth.guard() }')
    return found
  }

  return {
    guard(options = {}) {
      const check: Guard<Claims, null> = auth.guard(options)
      return async (request: Guarded, reply) => {
        try {
          request[passed] = await check(headOf(request.raw, request.raw.url ?? '/'))
          return undefined
        } catch (error) {
          return send(auth.answerError(error), reply)
        }
      }
    },
    find,
    of(request) {
      const found = find(request)
      if (found === null) throw new TypeError('the guard of this route is optional: use find')
      return found
    },
    routes: createPlugin(async (request, reply) => {
      const { raw, body } = request
      const url = raw.url ?? '/'
      return send(await auth.routes(nodeRequest(raw, url, body ?? undefined), clientOf(request)), reply)
    }, auth),
    logIn: async (request, reply, options) =>
      send(await auth.logIn(headOf(request.raw, request.raw.url ?? '/'), options, clientOf(request)), reply),
    close: () => auth.close(),
    async onError(error, _request, reply) {
      if (!isRollcallError(error)) throw error
      return send(auth.answerError(error), reply)
    },
  }
}

/** Without the app's parsers: bodies are read by the routes. @throws TypeError for a prefix that `basePath` lacks */
function createPlugin(
  handler: (request: AnyRequest, reply: AnyReply) => Promise<AnyReply>,
  { basePath, close }: Pick<FetchAuth<unknown>, 'basePath' | 'close'>,
): (app: FastifyInstance) => Promise<void> {
  return async (app) => {
    if (!basePath.startsWith(`${app.prefix}/`))
      throw new TypeError(`basePath is the whole path, so under this prefix it must begin with ${app.prefix}/`)
    app.removeAllContentTypeParsers()
    app.addContentTypeParser('*', (_request, _payload, done) => done(null))
    app.addHook('preClose', (done) => {
      close()
      done()
    })
    app.all(`${basePath.slice(app.prefix.length)}/*`, handler)
  }
}

async function send(response: Response, reply: AnyReply): Promise<AnyReply> {
  reply.code(response.status)
  for (const [name, value] of response.headers) {
    // Beside what other parts of the app have set; cookies Fastify adds by itself.
    const others = name === 'vary' ? reply.getHeader(name) : undefined
    reply.header(name, others === undefined ? value : `${String(others)}, ${value}`)
  }
  if (isStream(response)) {
    Object.assign(reply.raw, { shouldKeepAlive: false })
    return reply.send(response.body)
  }
  return reply.send(response.body === null ? undefined : await response.text())
}

function clientOf({ ip }: AnyRequest): ClientInfo {
  return { ip }
}
