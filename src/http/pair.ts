import type { TokenPair } from '../token-pair.js'
import { answer } from './answer.js'
import { setCookies } from './cookies.js'
import type { Http } from './http.js'

/** How a client is given its tokens. */
export type Mode = { readonly mode: 'bearer' } | { readonly mode: 'cookie'; readonly persistent: boolean }

/** A pair for a client that keeps it, or in cookies for a browser: then no token is in the body (ASVS 3.3.4). */
export function answerPair(
  { cookies, settings }: Pick<Http<unknown>, 'cookies' | 'settings'>,
  pair: TokenPair,
  how: Mode,
): Response {
  if (how.mode === 'bearer') return answer(pair)
  const { accessToken: _access, refreshToken: _refresh, ...rest } = pair
  return answer(rest, setCookies(cookies.set(pair, { persistent: how.persistent, now: settings.clock.wall() })))
}
