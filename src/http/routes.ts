import { RollcallError } from '../errors.js'
import { answerError } from './answer.js'
import type { Http } from './http.js'
import { createDeviceRoutes } from './device-routes.js'
import { createLogoutRoutes } from './logout-routes.js'
import { createOauthRoutes } from './oauth-routes.js'
import { createRefreshRoute } from './refresh-route.js'
import { Refusal } from './refusal.js'
import { pathOf, type ClientInfo, type HttpRequest } from './request.js'

/** One call of a route. */
export interface Call {
  readonly request: HttpRequest
  readonly client: ClientInfo
  /** The part of the path that a `*` in the route's stands for; empty where there is none. */
  readonly wildcard: string
}

export type Handler = (call: Call) => Promise<Response> | Response

/** By `METHOD path`, the path below `basePath`. */
export type Routes = Readonly<Record<string, Handler>>

export interface SessionRoutes {
  /** Whether a request is for these routes: its path is below `basePath`. */
  owns(request: { readonly url: string }): boolean
  /** Answers any request for these routes; never rejects. */
  handle(request: HttpRequest, client: ClientInfo): Promise<Response>
}

/** Which methods lead to what, below one path. */
type Methods = ReadonlyMap<string, Handler>

export function createSessionRoutes<Claims>(http: Http<Claims>): SessionRoutes {
  const { basePath, report } = http.settings
  const paths = indexRoutes({
    ...createRefreshRoute(http),
    ...createDeviceRoutes(http),
    ...createLogoutRoutes(http),
    ...createOauthRoutes(http),
  })

  async function dispatch(request: HttpRequest, client: ClientInfo): Promise<Response> {
    const [path, wildcard] = splitPath(pathOf(request).slice(basePath.length + 1))
    const methods = paths.get(path)
    if (methods === undefined) throw new RollcallError('not_found')
    // RFC 9110 section 9.3.2: HEAD is GET without the body.
    const handler = methods.get(request.method === 'HEAD' ? 'GET' : request.method)
    if (handler === undefined) throw new Refusal('method_not_allowed', { Allow: [...methods.keys()].join(', ') })
    return handler({ request, client, wildcard })
  }

  const owns: SessionRoutes['owns'] = (request) => pathOf(request as HttpRequest).startsWith(`${basePath}/`)
  return {
    owns,
    async handle(request, client) {
      try {
        if (!owns(request)) throw new RollcallError('not_found')
        const response = await dispatch(request, client)
        if (request.method !== 'HEAD') return response
        await response.body?.cancel()
        return new Response(null, response)
      } catch (error) {
        return answerError(error, report)
      }
    },
  }
}

function indexRoutes(routes: Routes): ReadonlyMap<string, Methods> {
  const paths = new Map<string, Map<string, Handler>>()
  for (const [route, handler] of Object.entries(routes)) {
    const [method = '', path = ''] = route.split(' ')
    const methods = paths.get(path) ?? new Map<string, Handler>()
    paths.set(path, methods.set(method, handler))
  }
  return paths
}

/** `sessions/x` is `sessions/*` with `x`; an empty part, or more parts than these, no route has. */
function splitPath(path: string): [path: string, wildcard: string] {
  const [first = '', second = '', ...more] = path.split('/')
  return second === '' || more.length > 0 ? [path, ''] : [`${first}/*`, second]
}
