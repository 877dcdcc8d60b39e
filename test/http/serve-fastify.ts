import fastify, { type FastifyInstance } from 'fastify'
import { fastifyAuth } from '../../adapters/fastify/index.js'
import type { FrameworkApp, FrameworkHarness } from '../conformance/http/harness.js'

export const fastifyHarness: FrameworkHarness = {
  async serve(given) {
    const app = await openFastify(given)
    const url = await app.listen({ host: '127.0.0.1', port: 0 })
    return { url, close: () => app.close() }
  },
}

/** Without a socket. Fastify parses JSON by itself, before what is mounted. */
export async function openFastify(given: FrameworkApp): Promise<FastifyInstance> {
  const { sessions, options, guarded, describe, logIn, throwIt, parsesBodies, mountedAt } = given
  const auth = fastifyAuth(sessions, options)
  const app = fastify({ http: { maxHeaderSize: 256 * 1_024 } })
  if (parsesBodies)
    app.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, body, done) =>
      done(null, Object.fromEntries(new URLSearchParams(body as string))),
    )
  await app.register(auth.routes, { prefix: mountedAt })
  for (const [url, guard] of Object.entries(guarded)) {
    app.route({
      method: ['GET', 'POST'],
      url,
      onRequest: auth.guard(guard),
      handler: async (request) => describe(guard.optional ? auth.find(request) : auth.of(request)),
    })
  }
  // What else is sent must reach the routes of the suite, which have no use for it.
  app.addContentTypeParser('*', (_request, body, done) => void body.resume().once('end', () => done(null)))
  app.post('/login', (request, reply) => auth.logIn(request, reply, logIn((request.query as { as: string }).as)))
  app.get('/throws', throwIt)
  app.setErrorHandler(async (error, request, reply) => {
    try {
      return await auth.onError(error, request, reply)
    } catch {
      return reply.code(500).send('the app’s own answer')
    }
  })
  return app
}
