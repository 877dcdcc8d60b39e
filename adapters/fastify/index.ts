export { fastifyAuth, type AnyReply, type AnyRequest, type FastifyAuth, type GuardHook } from './fastify-auth.js'
