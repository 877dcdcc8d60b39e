import { fastify } from 'fastify'
import { fastifyAuth } from 'rollcall/fastify'
import { openGuarded, someone } from '../guarded.js'
import { announce, given, host } from '../serve.js'

const { before = 'nothing' } = given
const schema = { response: { 200: { type: 'object', properties: { userId: { type: 'string' } } } } }

const app = fastify()
if (before === 'nothing') {
  app.get('/', { schema }, (_request, reply) => reply.send(someone))
} else if (before === 'await') {
  app.addHook('onRequest', async () => {
    await Promise.resolve()
  })
  app.get('/', { schema }, (_request, reply) => reply.send(someone))
} else {
  const auth = fastifyAuth(await openGuarded(), { from: before })
  app.get('/', { schema, onRequest: auth.guard() }, (request, reply) => reply.send({ userId: auth.of(request).userId }))
}
announce(Number(new URL(await app.listen({ port: 0, host })).port))
