import type { Sessions } from '../sessions.js'
import { answerError } from './answer.js'
import { createGuard, type Guard, type GuardOptions, type RequiredGuardOptions } from './guard.js'
import { createHttp } from './http.js'
import { logIn, type LogInOptions } from './log-in.js'
import type { ClientInfo, HttpRequest, RequestHead } from './request.js'
import { createSessionRoutes } from './routes.js'
import type { HttpOptions } from './settings.js'

/** Guards, session routes and logins over Fetch types, and what every framework's own are made of. */
export interface FetchAuth<Claims> {
  /** The path that the session routes are below. */
  readonly basePath: string
  /**
   * The checks of one route: resolves to who the request is from, rejects with what `answerError` answers.
   * @throws TypeError for an option that is unknown or of a wrong type
   */
  guard(options?: RequiredGuardOptions): Guard<Claims>
  guard(options: GuardOptions): Guard<Claims, null>
  /** Answers any request below `basePath`, what is wrong with it included; never rejects. */
  routes(request: HttpRequest, client?: ClientInfo): Promise<Response>
  /** Whether a request is for `routes`. */
  owns(request: { readonly url: string }): boolean
  /**
   * After the app has checked who it is: starts a session and answers with its tokens, or with the refusal. A mistake in
   * the options is a 500, too, and so is a cookie of more than 4,096 bytes; `report` hears of it. Never rejects.
   */
  logIn(request: RequestHead, options: LogInOptions, client?: ClientInfo): Promise<Response>
  /** Ends the event streams, and tells their clients to come back a little later: before the server stops, or it would wait for them. */
  close(): void
  /** The answer to anything that was thrown; what is not this library's is a 500 that tells nothing. */
  answerError(error: unknown): Response
}

/**
 * Everything that HTTP needs, for any server that speaks Fetch.
 * @example
 * const auth = fetchAuth(sessions, { from: 'either' })
 * serve((request) => auth.owns(request) ? auth.routes(request) : app(request))
 * @throws TypeError for an option that is unknown or of a wrong type
 */
export function fetchAuth<Claims>(sessions: Sessions<Claims>, options?: HttpOptions): FetchAuth<Claims> {
  const http = createHttp(sessions, options)
  const routes = createSessionRoutes(http)
  const answered = (error: unknown): Response => answerError(error, http.settings.report)
  return {
    basePath: http.settings.basePath,
    // Only `optional` lets nobody in.
    guard: (options?: GuardOptions) => createGuard(http, options) as Guard<Claims>,
    routes: (request, client = {}) => routes.handle(request, client),
    owns: routes.owns,
    logIn: async (request, options, client = {}) => {
      try {
        return await logIn(http, request, client, options)
      } catch (error) {
        return answered(error)
      }
    },
    close: () => http.streams.close(),
    answerError: answered,
  }
}

/** The session routes alone, as one Fetch handler: those of {@link fetchAuth}. */
export function sessionRoutes<Claims>(
  sessions: Sessions<Claims>,
  options?: HttpOptions,
): (request: HttpRequest, client?: ClientInfo) => Promise<Response> {
  return fetchAuth(sessions, options).routes
}
