import { Hono } from 'hono'
import knexFactory from 'knex'
import { honoAuth } from 'rollcall/hono'
import { openRollcallSessions } from '../rollcall-sessions.js'
import { given, serveHono } from '../serve.js'

const auth = honoAuth(await openRollcallSessions(knexFactory(given.config), given.isCached ? '5s' : undefined))

const app = new Hono()
app.get('/', auth.guard(), (c) => c.json({ userId: c.get('auth').userId }))
serveHono(app)
