import { randomBytes } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import express, { type ErrorRequestHandler } from 'express'
import { createKeyRing, createSessions, generateKeys } from 'rollcall'
import { expressAuth } from 'rollcall/express'
import { memoryStore } from 'rollcall/memory'

interface User {
  readonly id: number
  readonly email: string
  readonly role: string
}

const users: readonly User[] = [
  { id: 42, email: 'a@b.c', role: 'member' },
  { id: 7, email: 'admin@b.c', role: 'admin' },
]
const passwords = new Map([
  [42, 'right'],
  [7, 'right'],
])

const sessions = createSessions({
  store: memoryStore(),
  keys: await createKeyRing(await generateKeys()),
  issuer: 'https://api.example.com',
  audience: 'https://api.example.com',
  refreshToken: { secret: randomBytes(32) },
  freshness: { maxStaleness: '5s' },
  // userId comes back as a string: '42' for 42.
  claims: ({ userId }) => ({ role: users.find(({ id }) => String(id) === userId)?.role ?? 'none' }),
})
sessions.on('error', ({ error, during }) => console.error(`rollcall, ${during}:`, error))

/** The tokenVersion is read before the password is looked at. */
async function checkPassword(email: string, password: string) {
  const user = users.find((one) => one.email === email)
  if (user === undefined) return null
  const expectedTokenVersion = await sessions.tokenVersion(user.id)
  if (passwords.get(user.id) !== password) return null
  return { userId: user.id, expectedTokenVersion, amr: ['pwd'] }
}

const auth = expressAuth(sessions, { from: 'either' })
const app = express()

app.use(express.json())
app.use(auth.routes)

app.post('/login', async (req, res) => {
  const { email, password, mode, remember } = req.body ?? {}
  const isMode = mode === undefined || mode === 'bearer' || mode === 'cookie'
  if (typeof email !== 'string' || typeof password !== 'string' || !isMode) {
    return void res.status(400).json({ code: 'bad_request' })
  }
  const user = await checkPassword(email, password)
  if (user === null) return void res.status(401).json({ code: 'wrong_password' })
  await auth.logIn(req, res, { ...user, mode, persistent: remember === true })
})

app.get('/me', auth.guard(), (_req, res) => {
  const { userId, sid, claims, from } = res.locals.auth
  res.json({ userId, sid, role: claims.role, from })
})

app.post('/notes', auth.guard(), (_req, res) => {
  res.json({ owner: res.locals.auth.userId })
})

app.post('/password', auth.guard({ requireRecentLogin: '10m' }), (_req, res) => {
  res.json({ done: true })
})

app.get('/hello', auth.guard({ optional: true }), (_req, res) => {
  res.json({ hello: res.locals.auth?.userId ?? 'stranger' })
})

app.get('/critical', auth.guard({ maxStaleness: 0 }), (_req, res) => {
  res.json({ source: res.locals.auth.source })
})

app.use(auth.onError)

// What is none of rollcall's: malformed JSON, and mistakes of this app. auth.onError leaves them to the framework.
const onOtherError: ErrorRequestHandler = (error, _req, res, next) => {
  const status = Number(error?.status ?? 500)
  if (status >= 500) console.error(error)
  if (res.headersSent) return next(error)
  res.status(status).json({ code: status >= 500 ? 'internal' : 'invalid_request' })
}
app.use(onOtherError)

const server = app.listen(Number(process.env.PORT ?? 0), '127.0.0.1', (error) => {
  if (error) throw error
  console.log(`listening on http://127.0.0.1:${(server.address() as AddressInfo).port}`)
})

process.once('SIGTERM', () => {
  server.close(async () => {
    await sessions.close()
  })
})
