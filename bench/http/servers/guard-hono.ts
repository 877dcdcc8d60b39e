import { Hono } from 'hono'
import { honoAuth } from 'rollcall/hono'
import { openGuarded, someone } from '../guarded.js'
import { given, serveHono } from '../serve.js'

const { before = 'nothing' } = given

const app = new Hono()
if (before === 'nothing') {
  app.get('/', (c) => c.json(someone))
} else if (before === 'await') {
  app.use(async (_c, next) => {
    await Promise.resolve()
    return next()
  })
  app.get('/', (c) => c.json(someone))
} else {
  const auth = honoAuth(await openGuarded(), { from: before })
  app.get('/', auth.guard(), (c) => c.json({ userId: c.get('auth').userId }))
}
serveHono(app, { overrideGlobalObjects: false })
