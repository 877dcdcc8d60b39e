import fastify, { type FastifyReply, type FastifyRequest } from 'fastify'
import { isRollcallError, RollcallError } from 'rollcall'
import { fastifyAuth } from 'rollcall/fastify'
import { createActivity } from '../activity.js'
import { authOptions, type AppParts, type DemoApp } from '../app-parts.js'
import { checkLogin } from '../check-login.js'
import { openPageFiles } from '../page-files.js'
import { createPages, describeMe } from '../pages.js'
import { answerOther, translateError } from '../refusal.js'

export async function createFastifyApp(parts: AppParts): Promise<DemoApp> {
  const activity = createActivity(parts)
  const auth = fastifyAuth(activity.sessions, authOptions(parts))
  const answerMissing = (_error: unknown, request: FastifyRequest, reply: FastifyReply): unknown =>
    auth.onError(new RollcallError('not_found'), request, reply)
  // A path that can't be decoded is the one thing that frameworkErrors hears of here, and is no route.
  const app = fastify({ bodyLimit: 16 * 1_024, frameworkErrors: answerMissing })
  app.removeContentTypeParser('text/plain')

  await app.register(auth.routes)
  app.post('/login', async (request, reply) => auth.logIn(request, reply, await checkLogin(parts, request.body)))
  app.get('/api/me', { onRequest: auth.guard() }, async (request, reply) => {
    reply.header('Cache-Control', 'no-store')
    return describeMe(auth.of(request))
  })
  app.get('/api/activity', { onRequest: auth.guard() }, async (request, reply) => {
    reply.header('Cache-Control', 'no-store')
    return activity.list(auth.of(request).userId)
  })
  for (const [path, answer] of Object.entries(await openPageFiles())) {
    app.get(path, async (request, reply) => {
      const { headers, body } = answer((name) => [request.headers[name]].flat().join(', '))
      return reply.headers(headers).send(body)
    })
  }
  for (const [path, page] of Object.entries(createPages(parts))) app.get(path, async () => page())

  app.setNotFoundHandler((request, reply) => answerMissing(undefined, request, reply))
  app.setErrorHandler((thrown, request, reply) => {
    const error = translateError(thrown)
    if (isRollcallError(error)) return auth.onError(error, request, reply)
    const { status, headers, body } = answerOther(error, parts.report)
    return reply.code(status).headers(headers).send(body)
  })
  await app.ready()
  return { listener: (request, response) => app.routing(request, response), endStreams: auth.close }
}
