import express from 'express'
import { createMiddleware } from '../../contenders/express-session.js'
import { openPool, serveExpress } from '../serve.js'

const app = express()
app.disable('x-powered-by')
app.use(createMiddleware(openPool()))
app.get('/', ({ session: { userId } }, response) => {
  if (userId === undefined) response.status(401).json({ code: 'unauthorized' })
  else response.json({ userId })
})
await serveExpress(app)
