import type { Auth } from 'rollcall/http'
import type { AppParts } from './app-parts.js'

/** What `GET` of a path is answered as JSON, to anybody. */
export type Pages = Readonly<Record<string, () => unknown>>

/** What the demo answers to. */
export const routes: readonly string[] = [
  'GET /',
  'GET /healthz',
  'GET /.well-known/jwks.json',
  'POST /login',
  'GET /api/me',
  'GET /api/activity',
  'POST /auth/refresh',
  'GET /auth/session',
  'GET /auth/events',
  'GET /auth/sessions',
  'PATCH /auth/sessions/:sid',
  'DELETE /auth/sessions/:sid',
  'POST /auth/logout',
  'POST /auth/logout-others',
  'POST /auth/logout-everywhere',
  'GET /auth/jwks.json',
]

export function createPages({ sessions, keys }: AppParts): Pages {
  return {
    '/.well-known/jwks.json': () => keys.jwks(),
    '/healthz': async () => {
      // Any read tells whether the store answers; this is the cheapest.
      await sessions.tokenVersion('healthz')
      return { status: 'ok' }
    },
  }
}

/** What `GET /api/me` answers: who the token is for, how it came, and on what it was accepted; never its `jti`. */
export function describeMe(auth: Auth<object>): object {
  const { userId, sid, claims, expiresAt, authenticatedAt, source, checkedAt, from } = auth
  return { userId, sid, claims, expiresAt, authenticatedAt, source, checkedAt, from }
}
