import { codes, isRollcallError, RollcallError } from '../errors.js'
import { decodeClaims } from '../tokens/format.js'
import { answer } from './answer.js'
import { readForm } from './body.js'
import type { Client, Clients } from './clients.js'
import type { Http } from './http.js'
import type { Routes } from './routes.js'

/** `POST revoke` (RFC 7009), `POST introspect` (RFC 7662), `GET jwks.json`; each where the settings have what it takes. */
export function createOauthRoutes(http: Http<unknown>): Routes {
  const { clients, keys } = http.settings
  return {
    ...(clients !== null && createClientRoutes(http, clients)),
    ...(keys !== null && {
      'GET jwks.json': () => {
        const response = answer(keys.jwks())
        // The one thing here that is public. Not longer than a new key waits behind the old one.
        response.headers.set('Cache-Control', 'public, max-age=300')
        response.headers.delete('Vary')
        return response
      },
    }),
  }
}

function createClientRoutes({ sessions }: Http<unknown>, clients: Clients): Routes {
  return {
    'POST revoke': async ({ request }) => {
      const { id } = await clients.authenticate(request)
      const token = readToken(await readForm(request))
      // Section 2.2: a token that is not good is as gone as one that was revoked.
      await sessions.revokeToken(token, { reason: 'revocation', actor: id }).catch(ignoreRefusal)
      return answer({})
    },

    'POST introspect': async ({ request }) => {
      const client = await clients.authenticate(request)
      return answer(await introspect(sessions, client, readToken(await readForm(request))))
    },
  }
}

/**
 * Section 2.2 of RFC 7662, by a read of now. A refresh token is never active: what it is shown to could take it for an
 * access token.
 */
async function introspect(
  sessions: Http<unknown>['sessions'],
  { audience }: Client,
  token: string,
): Promise<Readonly<Record<string, unknown>>> {
  try {
    const { sid, authenticatedAt, amr, acr } = await sessions.verify(token, { audience, maxStaleness: 0 })
    return {
      ...decodeClaims(token),
      active: true,
      token_type: 'Bearer',
      sid,
      auth_time: Math.floor(authenticatedAt.getTime() / 1_000),
      ...(amr !== null && { amr }),
      ...(acr !== null && { acr }),
    }
  } catch (error) {
    ignoreRefusal(error)
    return { active: false }
  }
}

function readToken(fields: ReadonlyMap<string, string>): string {
  const token = fields.get('token')
  if (token === undefined || token === '') throw new RollcallError('invalid_request')
  return token
}

/** What is refused for its own sake is no fault; store trouble is. */
function ignoreRefusal(error: unknown): void {
  if (!isRollcallError(error) || codes[error.code].status !== 401) throw error
}
