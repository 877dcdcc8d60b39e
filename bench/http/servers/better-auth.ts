import { betterAuth } from 'better-auth'
import { Hono } from 'hono'
import { configureBetterAuth } from '../../contenders/better-auth.js'
import { given, openPool, serveHono } from '../serve.js'

const auth = betterAuth(configureBetterAuth(openPool(), given.isCached))

const app = new Hono<{ Variables: { userId: string } }>()
app.on(['POST', 'GET'], '/api/auth/*', (c) => auth.handler(c.req.raw))
app.use(async (c, next) => {
  const session = await auth.api.getSession({ headers: c.req.raw.headers })
  if (session === null) return c.json({ code: 'unauthorized' }, 401)
  c.set('userId', session.user.id)
  return next()
})
app.get('/', (c) => c.json({ userId: c.get('userId') }))
serveHono(app)
