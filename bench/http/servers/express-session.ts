import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import express from 'express'
import { createMiddleware } from '../../contenders/express-session.js'
import { announce, host, openPool } from '../serve.js'

const app = express()
app.disable('x-powered-by')
app.use(createMiddleware(openPool()))
app.get('/', ({ session: { userId } }, response) => {
  if (userId === undefined) response.status(401).json({ code: 'unauthorized' })
  else response.json({ userId })
})
const server = app.listen(0, host)
await once(server, 'listening')
announce((server.address() as AddressInfo).port)
