import type { HttpBindings } from '@hono/node-server'
import { Hono, type Context } from 'hono'
import type { KeyRing, Sessions, Verified } from 'rollcall'
import { logIn } from './log-in.js'
import { readBearer } from './read-bearer.js'
import { readJson, readJsonIfAny, readString } from './read-json.js'
import { answerError, Refusal } from './refusal.js'
import type { Users } from './users.js'

export interface AppOptions {
  readonly sessions: Sessions<object, never, string>
  readonly keys: KeyRing
  readonly users: Users
  /** Hears of every error that is answered with a 5xx, but of `key_unavailable`. Default: nobody does. */
  readonly report?: (error: unknown) => void
}

type Environment = { Bindings: Partial<HttpBindings> }

export function createApp({ sessions, keys, users, report = () => {} }: AppOptions): Hono<Environment> {
  const app = new Hono<Environment>()
  const verify = (c: Context): Promise<Verified<object>> => sessions.verify(readBearer(c.req.raw.headers))

  app.onError((error, c) => answerError(error, c, report))
  app.notFound((c) => answerError(new Refusal(404, 'not_found', 'There is no such route'), c, report))
  for (const path of ['/login', '/api/*', '/auth/*']) {
    app.use(path, async (c, next) => {
      await next()
      c.header('Cache-Control', 'no-store')
    })
  }

  app.post('/login', async (c) => c.json(await logIn(sessions, users, c.req.raw, addressOf(c.env))))

  app.get('/api/me', async (c) => {
    const { userId, sid, claims, expiresAt, authenticatedAt, source, checkedAt } = await verify(c)
    return c.json({ userId, sid, claims, expiresAt, authenticatedAt, source, checkedAt })
  })

  app.get('/', (c) => {
    const routes = app.routes.filter(({ method }) => method !== 'ALL').map(({ method, path }) => `${method} ${path}`)
    return c.json({ routes })
  })

  app.get('/.well-known/jwks.json', (c) => c.json(keys.jwks()))

  app.get('/healthz', async (c) => {
    // Any read tells whether the store answers; this is the cheapest.
    await sessions.tokenVersion('healthz')
    return c.json({ status: 'ok' })
  })

  addAuthRoutes(app, sessions, verify)
  return app
}

function addAuthRoutes(
  app: Hono<Environment>,
  sessions: AppOptions['sessions'],
  verify: (c: Context) => Promise<Verified<object>>,
): void {
  app.get('/auth/sessions', async (c) => {
    const { userId, sid } = await verify(c)
    return c.json({ sessions: await sessions.list(userId, { current: sid }) })
  })

  app.patch('/auth/sessions/:sid', async (c) => {
    const { userId } = await verify(c)
    const name = readString('name', (await readJson(c.req.raw))['name'])
    const { renamed } = await sessions.rename(userId, c.req.param('sid'), name)
    if (renamed === 0) throw sessionNotFound()
    return c.body(null, 204)
  })

  app.delete('/auth/sessions/:sid', async (c) => {
    const { userId } = await verify(c)
    const { revoked } = await sessions.revoke(userId, c.req.param('sid'))
    if (revoked === 0) throw sessionNotFound()
    return c.body(null, 204)
  })

  app.post('/auth/refresh', async (c) => {
    const refreshToken = readString('refreshToken', (await readJson(c.req.raw))['refreshToken'])
    const device = { ip: addressOf(c.env), userAgent: c.req.header('user-agent') }
    return c.json(await sessions.refresh(refreshToken, { device }))
  })

  app.post('/auth/logout', async (c) => {
    // Not verified: who logs out late, or twice, is logged out all the same.
    await sessions.revokeToken(await readAnyToken(c.req.raw))
    return c.body(null, 204)
  })

  app.post('/auth/logout-others', async (c) => {
    const { userId, sid } = await verify(c)
    const { revoked } = await sessions.revokeOthers(userId, sid)
    return c.json({ revoked })
  })

  app.post('/auth/logout-everywhere', async (c) => {
    const { userId } = await verify(c)
    const { revoked } = await sessions.revokeAll(userId)
    return c.json({ revoked })
  })
}

/** The bearer token; of a client that has only its refresh token left, that one from the body. */
async function readAnyToken(request: Request): Promise<string> {
  const body = request.headers.has('authorization') ? null : await readJsonIfAny(request)
  return body === null ? readBearer(request.headers) : readString('refreshToken', body['refreshToken'])
}

/** A request that came over no socket, as in tests, has no bindings. */
function addressOf(bindings: Partial<HttpBindings> | undefined): string | undefined {
  return bindings?.incoming?.socket.remoteAddress
}

function sessionNotFound(): Refusal {
  return new Refusal(404, 'not_found', 'You have no such session')
}
