import { Hono } from 'hono'
import { jwt } from 'hono/jwt'
import { audience, issuer, secret, type as typ } from '../../tokens.js'
import { serveHono } from '../serve.js'

const app = new Hono<{ Variables: { jwtPayload: { readonly sub: string } } }>()
app.use(jwt({ secret, alg: 'HS256', verification: { iss: issuer, aud: audience, typ } }))
app.get('/', (c) => c.json({ userId: c.get('jwtPayload').sub }))
serveHono(app)
