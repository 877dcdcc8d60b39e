import { createServer } from 'node:http'
import express, { type ErrorRequestHandler } from 'express'
import { expressAuth } from '../../adapters/express/index.js'
import type { FrameworkHarness } from '../conformance/http/harness.js'
import { listen } from './listen.js'

export const expressHarness: FrameworkHarness = {
  async serve({ sessions, options, guarded, describe, logIn, throwIt, parsesBodies, mountedAt }) {
    const auth = expressAuth(sessions, options)
    const app = express()
    if (parsesBodies) app.use(express.json(), express.urlencoded())
    if (mountedAt === '') app.use(auth.routes)
    else app.use(mountedAt, express.Router().use(auth.routes))
    for (const [path, guard] of Object.entries(guarded)) {
      app.get(path, auth.guard(guard), (_req, res) => void res.json(describe(res.locals.auth)))
      app.post(path, auth.guard(guard), (_req, res) => void res.json(describe(res.locals.auth)))
    }
    app.post('/login', (req, res) => auth.logIn(req, res, logIn(req.query['as'] as string)))
    app.get('/throws', throwIt)
    app.use(auth.onError)
    const last: ErrorRequestHandler = (_error, _req, res, _next) => void res.status(500).send('the app’s own answer')
    app.use(last)
    const served = await listen(createServer({ maxHeaderSize: 256 * 1_024 }, app))
    return {
      url: served.url,
      close() {
        auth.close()
        return served.close()
      },
    }
  },
}
