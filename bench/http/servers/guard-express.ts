import express from 'express'
import { expressAuth } from 'rollcall/express'
import { openGuarded, someone } from '../guarded.js'
import { given, serveExpress } from '../serve.js'

const { before = 'nothing' } = given

const app = express()
app.disable('x-powered-by')
if (before === 'nothing') {
  app.get('/', (_req, res) => void res.json(someone))
} else if (before === 'await') {
  app.use(async (_req, _res, next) => {
    await Promise.resolve()
    next()
  })
  app.get('/', (_req, res) => void res.json(someone))
} else {
  const auth = expressAuth(await openGuarded(), { from: before })
  app.get('/', auth.guard(), (_req, res) => void res.json({ userId: res.locals.auth.userId }))
}
await serveExpress(app)
