import fastifyJwt from '@fastify/jwt'
import { fastify } from 'fastify'
import { createTrusted, jwtOptions, type Payload } from '../../contenders/fastify-jwt.js'
import { announce, host, openPool } from '../serve.js'

const trusted = createTrusted(openPool(), { name: 'trusted' })
const response = { 200: { type: 'object', properties: { userId: { type: 'string' } } } }

const app = fastify()
await app.register(fastifyJwt, { ...jwtOptions, trusted: (_, payload) => trusted(payload as Payload) })
app.addHook('onRequest', (request) => request.jwtVerify())
app.get('/', { schema: { response } }, async ({ user }) => ({ userId: (user as Payload).sub }))
announce(Number(new URL(await app.listen({ port: 0, host })).port))
