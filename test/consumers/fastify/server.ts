import { timingSafeEqual, createHash, randomBytes } from 'node:crypto'
import fastify, { type FastifyError } from 'fastify'
import { createKeyRing, createSessions, generateKeys, isRollcallError } from 'rollcall'
import { fastifyAuth } from 'rollcall/fastify'
import { memoryStore } from 'rollcall/memory'

interface User {
  id: number
  email: string
  role: 'member' | 'admin'
  password: string
}

const users: User[] = [
  { id: 42, email: 'a@b.c', role: 'member', password: 'right' },
  { id: 7, email: 'admin@b.c', role: 'admin', password: 'right' },
]

const sessions = createSessions({
  store: memoryStore(),
  keys: await createKeyRing(await generateKeys()),
  issuer: 'https://api.example.com',
  audience: 'https://api.example.com',
  refreshToken: { secret: randomBytes(32).toString('base64') },
  freshness: { maxStaleness: '5s' },
  claims: ({ userId }) => {
    const user = users.find(({ id }) => String(id) === userId)
    if (user === undefined) throw new Error(`no user ${userId}`)
    return { role: user.role }
  },
})
sessions.on('error', ({ error, during }) => console.error(`rollcall, ${during}:`, error))

const digest = (text: string) => createHash('sha256').update(text).digest()

async function checkPassword(email: string, password: string) {
  const id = users.find((user) => user.email === email)?.id
  if (id === undefined) return null
  // Before the password is read, so that a login can't outrun a password change.
  const expectedTokenVersion = await sessions.tokenVersion(id)
  const user = users.find((candidate) => candidate.id === id)
  if (user === undefined || !timingSafeEqual(digest(user.password), digest(password))) return null
  return { userId: id, expectedTokenVersion, amr: ['pwd'] }
}

const auth = fastifyAuth(sessions, { from: 'either' })
const app = fastify()
await app.register(auth.routes)
app.setErrorHandler<FastifyError>((error, request, reply) => {
  // rollcall prints its own; what auth.onError leaves to Fastify is printed here.
  if (!isRollcallError(error) && (error.statusCode ?? 500) >= 500) console.error(error)
  return auth.onError(error, request, reply)
})

interface Login {
  email: string
  password: string
  mode?: 'bearer' | 'cookie'
  remember?: boolean
}

const loginBody = {
  type: 'object',
  required: ['email', 'password'],
  properties: {
    email: { type: 'string' },
    password: { type: 'string' },
    mode: { enum: ['bearer', 'cookie'] },
    remember: { type: 'boolean' },
  },
}

app.post<{ Body: Login }>('/login', { schema: { body: loginBody } }, async (request, reply) => {
  const { email, password, mode, remember } = request.body
  const user = await checkPassword(email, password)
  if (user === null) return reply.code(401).send({ code: 'wrong_password' })
  return auth.logIn(request, reply, { ...user, mode, persistent: remember === true })
})

app.get('/me', { onRequest: auth.guard() }, async (request) => {
  const { userId, sid, claims, from } = auth.of(request)
  return { userId, sid, role: claims.role, from }
})

app.post('/notes', { onRequest: auth.guard() }, async (request) => ({ owner: auth.of(request).userId }))

app.post('/password', { onRequest: auth.guard({ requireRecentLogin: '10m' }) }, async () => ({ done: true }))

app.get('/hello', { onRequest: auth.guard({ optional: true }) }, async (request) => ({
  hello: auth.find(request)?.userId ?? 'stranger',
}))

app.get('/critical', { onRequest: auth.guard({ maxStaleness: 0 }) }, async (request) => ({
  source: auth.of(request).source,
}))

process.once('SIGTERM', async () => {
  await app.close()
  await sessions.close()
})

const address = await app.listen({ host: '127.0.0.1', port: Number(process.env.PORT ?? 0) })
console.log(`listening on ${address}`)
