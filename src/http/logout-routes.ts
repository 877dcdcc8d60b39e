import { RollcallError } from '../errors.js'
import { answer } from './answer.js'
import { readJson, readString } from './body.js'
import { readCredential, type Credential } from './credential.js'
import { setCookies } from './cookies.js'
import { createGuard, critical } from './guard.js'
import type { Http } from './http.js'
import { isNoToken, Refusal } from './refusal.js'
import { isJson, type HttpRequest } from './request.js'
import type { Routes } from './routes.js'
import { checkSameSite } from './same-site.js'

/** `POST logout`, `POST logout-others`, `POST logout-everywhere`. Events name the session that did it as their actor. */
export function createLogoutRoutes(http: Http<unknown>): Routes {
  const { sessions, settings, cookies } = http
  const guardOthers = createGuard(http, { ...settings.revokeOthers, ...critical })
  return {
    /** By the token alone and not verified: who logs out late, or twice, is logged out all the same. */
    'POST logout': async ({ request }) => {
      const { token, from } = await readAnyToken(http, request)
      try {
        if (token !== null) await sessions.revokeToken(token)
      } catch (error) {
        // A cookie that is no token of ours names no session, but nobody else could take it off the browser.
        if (from === 'cookie' && isNoToken(error))
          throw new Refusal(error.code === 'key_unavailable' ? 'token_malformed' : error.code, {}, cookies.clear())
        throw error
      }
      return answerLoggedOut(http, from)
    },

    'POST logout-others': async ({ request }) => {
      const { userId, sid } = (await guardOthers(request))!
      const { revoked } = await sessions.revokeOthers(userId, sid, { actor: sid })
      return answer({ revoked })
    },

    'POST logout-everywhere': async ({ request }) => {
      const { userId, sid, from } = (await guardOthers(request))!
      const { revoked } = await sessions.revokeAll(userId, { actor: sid })
      return answerLoggedOut(http, from, { revoked })
    },
  }
}

interface Shown extends Pick<Credential, 'from'> {
  readonly token: string | null
}

/** The browser forgets what it has of the session that has ended. */
export function answerLoggedOut(
  { cookies, settings }: Http<unknown>,
  from: Credential['from'],
  body?: Readonly<Record<string, unknown>>,
): Response {
  const response = answer(body, from === 'cookie' ? setCookies(cookies.clear()) : new Headers())
  if (settings.clearSiteData !== null) response.headers.set('Clear-Site-Data', settings.clearSiteData)
  return response
}

/** The bearer token; else the refresh token in the body, of a client that has no other left; else the cookie. */
async function readAnyToken({ settings, cookies }: Http<unknown>, request: HttpRequest): Promise<Shown> {
  const shown = readCredential(request, settings.from, cookies)
  if (shown?.from === 'bearer') return shown
  if (settings.from !== 'cookie' && (shown === null || isJson(request))) {
    const body = await readJson(request)
    if (body === null && shown === null) throw new RollcallError('token_missing')
    if (shown === null || body?.['refreshToken'] !== undefined)
      return { token: readString(body, 'refreshToken'), from: 'bearer' }
  }
  checkSameSite(request, settings)
  // A browser without the cookie is logged out: there is nowhere else it could have a token.
  return shown ?? { token: null, from: 'cookie' }
}
