import express, { type ErrorRequestHandler, type RequestHandler } from 'express'
import { isRollcallError, RollcallError } from 'rollcall'
import { expressAuth } from 'rollcall/express'
import { createActivity } from '../activity.js'
import { authOptions, type AppParts, type DemoApp } from '../app-parts.js'
import { checkLogin } from '../check-login.js'
import { openPageFiles } from '../page-files.js'
import { createPages, describeMe } from '../pages.js'
import { answerOther, translateError } from '../refusal.js'

export async function createExpressApp(parts: AppParts): Promise<DemoApp> {
  const activity = createActivity(parts)
  const auth = expressAuth(activity.sessions, authOptions(parts))
  const app = express().disable('x-powered-by')
  const answerError: ErrorRequestHandler = (thrown, req, res, next) => {
    const error = translateError(thrown)
    if (isRollcallError(error) || res.headersSent) return auth.onError(error, req, res, next)
    const { status, headers, body } = answerOther(error, parts.report)
    return res.status(status).set(headers).json(body)
  }

  app.use(auth.routes)
  app.post('/login', requireJson, express.json({ limit: '16kb' }), (req, res) =>
    checkLogin(parts, req.body).then((login) => auth.logIn(req, res, login)),
  )
  app.get('/api/me', auth.guard(), (_req, res) => {
    res.set('Cache-Control', 'no-store').json(describeMe(res.locals.auth))
  })
  app.get('/api/activity', auth.guard(), async (_req, res) => {
    res.set('Cache-Control', 'no-store').json(await activity.list(res.locals.auth.userId))
  })
  for (const [path, answer] of Object.entries(await openPageFiles())) {
    app.get(path, (req, res) => {
      const { headers, body } = answer((name) => req.get(name))
      res.set(headers).send(body)
    })
  }
  for (const [path, page] of Object.entries(createPages(parts))) {
    app.get(path, async (_req, res) => void res.json(await page()))
  }

  app.use(() => {
    throw new RollcallError('not_found')
  })
  app.use(answerError)
  return { listener: app, endStreams: auth.close }
}

/** The parser leaves other bodies alone, and those who send none may have said so. */
const requireJson: RequestHandler = (req, _res, next) => {
  const isOther = req.is('json') === false && req.get('content-length') !== '0'
  next(isOther ? new RollcallError('unsupported_media_type') : undefined)
}
