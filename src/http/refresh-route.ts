import { RollcallError } from '../errors.js'
import { readJson, readOptionalBoolean, readString } from './body.js'
import type { Http } from './http.js'
import { answerPair, type Mode } from './pair.js'
import { isJson, type HttpRequest } from './request.js'
import type { Routes } from './routes.js'
import { checkSameSite } from './same-site.js'

/**
 * `POST refresh`: the next pair, in the body for who showed the token in the body, else in cookies. Whatever it refuses
 * with, no cookie is touched: another tab may have just won.
 */
export function createRefreshRoute(http: Http<unknown>): Routes {
  if (!http.refreshes) return {}
  return {
    'POST refresh': async ({ request, client: { ip } }) => {
      const { token, countsAsUse, how } = await readRefresh(http, request)
      const device = { ip, userAgent: request.headers.get('user-agent') }
      const pair = await http.sessions.refresh(token, { device, countsAsUse })
      // The browser has this refresh token, or by now the next one, which an answer that was overtaken must not replace.
      const isKept = how.mode === 'cookie' && pair.outcome === 'unchanged'
      return answerPair(http, isKept ? { ...pair, refreshToken: null } : pair, how)
    },
  }
}

interface Shown {
  readonly token: string
  readonly countsAsUse: boolean | undefined
  readonly how: Mode
}

async function readRefresh({ settings, cookies }: Http<unknown>, request: HttpRequest): Promise<Shown> {
  const cookie = settings.from === 'bearer' ? null : cookies.readRefresh(request.headers.get('cookie'))
  // A form of another site has no JSON, and is told what it is, not what it lacks.
  const body = cookie === null || isJson(request) ? await readJson(request) : null
  const countsAsUse = readOptionalBoolean(body, 'countsAsUse')
  const isInBody = body?.['refreshToken'] !== undefined
  // A page says no more than how it counts, and may find its cookie gone: it lacks a token, and made no mistake.
  if (cookie === null && (body === null || (!isInBody && countsAsUse !== undefined)))
    throw new RollcallError('token_missing')
  if (settings.from !== 'cookie' && (cookie === null || isInBody))
    return { token: readString(body, 'refreshToken'), countsAsUse, how: { mode: 'bearer' } }
  if (cookie === null) throw new RollcallError('token_missing')
  checkSameSite(request, settings)
  return { token: cookie.token, countsAsUse, how: { mode: 'cookie', persistent: cookie.persistent } }
}
