import { RollcallError } from '../errors.js'
import type { Cookies } from './cookies.js'
import type { RequestHead } from './request.js'

/** Where tokens are taken from. `either`: from the header where it offers one, and then a cookie counts for nothing. */
export type TokenSource = 'bearer' | 'cookie' | 'either'

/** An access token, and what brought it. */
export interface Credential {
  readonly token: string
  readonly from: 'bearer' | 'cookie'
}

const offersBearer = /(?:^|,)\s*Bearer(?:\s|$)/i
const bearer = /^Bearer +([\w.~+/-]+=*)$/i

/**
 * The access token of a request, from its header (RFC 6750 section 2.1) or its cookie, never from its address; `null`
 * where it has none.
 * @throws RollcallError `invalid_request` where there are two, or a proxy and we might each believe another one
 */
export function readCredential(
  { headers }: RequestHead,
  source: TokenSource,
  cookies: Pick<Cookies, 'readAccess'>,
): Credential | null {
  if (source !== 'cookie') {
    const token = readBearer(headers.get('authorization'))
    if (token !== null) return { token, from: 'bearer' }
  }
  const token = source === 'bearer' ? null : cookies.readAccess(headers.get('cookie'))
  return token === null ? null : { token, from: 'cookie' }
}

function readBearer(header: string | null): string | null {
  // Another scheme is no credential for us: a proxy may ask for one of its own.
  if (header === null || !offersBearer.test(header)) return null
  // Two headers arrive joined by a comma, which no token has.
  const token = bearer.exec(header)?.[1]
  if (token === undefined) throw new RollcallError('invalid_request')
  return token
}
