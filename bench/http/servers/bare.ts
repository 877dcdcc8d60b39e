import { Hono } from 'hono'
import { serveHono } from '../serve.js'

const app = new Hono()
app.get('/', (c) => c.json({ userId: 'user-10000000' }))
serveHono(app)
