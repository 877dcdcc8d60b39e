import { randomBytes, scryptSync, timingSafeEqual } from 'node:crypto'
import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import { createKeyRing, createSessions, generateKeys } from 'rollcall'
import { honoAuth } from 'rollcall/hono'
import { memoryStore } from 'rollcall/memory'

interface User {
  readonly id: number
  readonly email: string
  readonly role: 'member' | 'admin'
  readonly passwordHash: string
}

function hashPassword(password: string, salt = randomBytes(16).toString('hex')): string {
  return `${salt}.${scryptSync(password, salt, 32).toString('hex')}`
}

function isPassword(password: string, stored: string): boolean {
  return timingSafeEqual(Buffer.from(hashPassword(password, stored.split('.')[0])), Buffer.from(stored))
}

const users: readonly User[] = [
  { id: 42, email: 'a@b.c', role: 'member', passwordHash: hashPassword('right') },
  { id: 7, email: 'admin@b.c', role: 'admin', passwordHash: hashPassword('right') },
]

const sessions = createSessions({
  store: memoryStore(),
  keys: await createKeyRing(await generateKeys()),
  issuer: 'http://127.0.0.1',
  audience: 'http://127.0.0.1',
  refreshToken: { secret: randomBytes(32) },
  freshness: { maxStaleness: '5s' },
  claims: ({ userId }) => {
    const user = users.find(({ id }) => String(id) === userId)
    if (user === undefined) throw new Error(`There is no user ${userId}`)
    return { role: user.role }
  },
})
sessions.on('error', ({ error, during }) => console.error(`rollcall, ${during}:`, error))

const auth = honoAuth(sessions, { from: 'either' })
const app = new Hono()

app.onError(auth.onError)
app.use(auth.routes)

interface Login {
  readonly email: string
  readonly password: string
  readonly mode?: 'bearer' | 'cookie'
  readonly remember?: boolean
}

function isLogin(body: unknown): body is Login {
  if (typeof body !== 'object' || body === null) return false
  const { email, password, mode = 'bearer', remember = false } = body as Record<string, unknown>
  const isMode = mode === 'bearer' || mode === 'cookie'
  return typeof email === 'string' && typeof password === 'string' && isMode && typeof remember === 'boolean'
}

/** The tokenVersion is read before the hash, so that no login outruns a password change. */
async function checkPassword(email: string, password: string) {
  const id = users.find((user) => user.email === email)?.id
  if (id === undefined) return null
  const expectedTokenVersion = await sessions.tokenVersion(id)
  const passwordHash = users.find((user) => user.id === id)?.passwordHash
  if (passwordHash === undefined || !isPassword(password, passwordHash)) return null
  return { userId: id, expectedTokenVersion, amr: ['pwd'] }
}

app.post('/login', async (c) => {
  const body: unknown = await c.req.json().catch(() => null)
  if (!isLogin(body)) return c.json({ code: 'bad_request' }, 400)
  const user = await checkPassword(body.email, body.password)
  if (user === null) return c.json({ code: 'wrong_password' }, 401, { 'WWW-Authenticate': 'Bearer' })
  return auth.logIn(c, { ...user, mode: body.mode, persistent: body.remember === true })
})

app.get('/me', auth.guard(), (c) => {
  const { userId, sid, claims, from } = c.get('auth')
  return c.json({ userId, sid, role: claims.role, from })
})

app.post('/notes', auth.guard(), (c) => c.json({ owner: c.get('auth').userId }))

app.post('/password', auth.guard({ requireRecentLogin: '10m' }), (c) => c.json({ done: true }))

app.get('/hello', auth.guard({ optional: true }), (c) => c.json({ hello: c.get('auth')?.userId ?? 'stranger' }))

app.get('/critical', auth.guard({ maxStaleness: 0 }), (c) => c.json({ source: c.get('auth').source }))

const port = Number(process.env['PORT'] ?? 3000)
const server = serve({ fetch: app.fetch, hostname: '127.0.0.1', port, overrideGlobalObjects: false }, (address) =>
  console.log(`listening on http://127.0.0.1:${address.port}`),
)

process.once('SIGTERM', () => {
  server.close(() => void sessions.close())
})
