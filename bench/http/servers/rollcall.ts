import { Hono } from 'hono'
import knexFactory from 'knex'
import { isRollcallError } from 'rollcall'
import { openRollcallSessions } from '../rollcall-sessions.js'
import { given, serveHono } from '../serve.js'

const sessions = await openRollcallSessions(knexFactory(given.config), given.isCached)

const app = new Hono<{ Variables: { userId: string } }>()
app.use(async (c, next) => {
  try {
    const token = (c.req.header('Authorization') ?? '').replace(/^Bearer +/i, '')
    const { userId } = await sessions.verify(token)
    c.set('userId', userId)
  } catch (error) {
    if (!isRollcallError(error)) throw error
    return c.json({ code: error.code }, error.status)
  }
  return next()
})
app.get('/', (c) => c.json({ userId: c.get('userId') }))
serveHono(app)
