import type { ErrorRequestHandler, NextFunction, Request, RequestHandler, Response } from 'express'
import { isRollcallError } from '../../src/errors.js'
import { fetchAuth } from '../../src/http/fetch-auth.js'
import type { Auth, GuardOptions, RequiredGuardOptions } from '../../src/http/guard.js'
import type { LogInOptions } from '../../src/http/log-in.js'
import { headOf, nodeRequest, sendNode, type NodeRequest } from '../../src/http/node.js'
import type { ClientInfo } from '../../src/http/request.js'
import type { HttpOptions } from '../../src/http/settings.js'
import type { Sessions } from '../../src/sessions.js'

/**
 * A handler behind which `res.locals.auth` is known; `null` is nobody. It says as little as it can of the request, so that
 * the parameters and the body stay what the route makes of them.
 */
export type GuardHandler<Claims, Nobody = never> = (
  request: NodeRequest & Pick<Request, 'originalUrl'>,
  // oxlint-disable-next-line typescript/no-explicit-any -- as Express has it
  response: Response<any, { auth: Auth<Claims> | Nobody }>,
  next: NextFunction,
) => unknown

export interface ExpressAuth<Claims> {
  /**
   * Lets a request in, and sets `res.locals.auth`, or answers with the refusal.
   * @throws TypeError for an option that is unknown or of a wrong type
   */
  guard(options?: RequiredGuardOptions): GuardHandler<Claims>
  guard(options: GuardOptions): GuardHandler<Claims, null>
  /** Answers what is below `basePath`, wherever it is mounted, and leaves the rest to the next: `app.use(auth.routes)`. */
  readonly routes: RequestHandler
  /**
   * After the app has checked who it is: starts a session and sends its tokens, or the refusal. A mistake in the options
   * is a 500, too, and so is a cookie of more than 4,096 bytes; `report` hears of it.
   */
  logIn(request: Request, response: Response, options: LogInOptions): Promise<void>
  /** Ends the event streams, and tells their clients to come back a little later: before the server stops, or it would wait for them. */
  close(): void
  /** For `app.use`, last: answers what the verbs throw by the code table, and leaves other errors to the next. */
  readonly onError: ErrorRequestHandler
}

/**
 * Guards, session routes and logins for Express 5. The client's address is `req.ip`, and so as far trusted as
 * `trust proxy` says.
 * @example
 * const auth = expressAuth(sessions, { from: 'either' })
 * app.use(auth.routes)
 * app.get('/me', auth.guard(), (req, res) => res.json(res.locals.auth.userId))
 * @throws TypeError for an option that is unknown or of a wrong type
 */
export function expressAuth<Claims>(sessions: Sessions<Claims>, options?: HttpOptions): ExpressAuth<Claims> {
  const auth = fetchAuth(sessions, options)

  async function send(answer: globalThis.Response, response: Response): Promise<void> {
    if (!response.headersSent) return sendNode(answer, response)
    // Nothing can be taken back: who forgot to await a guard has let its request in.
    auth.answerError(new Error('a request was answered before its guard or logIn was done: await them'))
  }

  return {
    guard: ((options: GuardOptions = {}): GuardHandler<Claims, null> => {
      const check = auth.guard(options)
      return async (req, res, next) => {
        try {
          res.locals.auth = await check(headOf(req, req.originalUrl))
        } catch (error) {
          await send(auth.answerError(error), res)
          return
        }
        next()
      }
    }) as ExpressAuth<Claims>['guard'],
    routes: async (req, res, next) => {
      // A mount path is cut off `req.url`.
      const url = req.originalUrl
      if (!auth.owns({ url })) return next()
      await send(await auth.routes(nodeRequest(req, url, req.body), clientOf(req)), res)
    },
    logIn: async (req, res, options) =>
      send(await auth.logIn(headOf(req, req.originalUrl), options, clientOf(req)), res),
    close: () => auth.close(),
    onError: (error: unknown, _req, res, next) => {
      if (!isRollcallError(error) || res.headersSent) return next(error)
      return send(auth.answerError(error), res)
    },
  }
}

function clientOf({ ip }: Request): ClientInfo {
  return { ip }
}
