import { Refusal } from './refusal.js'

const offersBearer = /(?:^|,)\s*Bearer(?:\s|$)/i
const bearer = /^Bearer +([\w.~+/-]+=*)$/i

/**
 * The access token of a request (RFC 6750 section 2.1). Two `Authorization` headers arrive joined by a comma, which no
 * token has: they are refused, or a proxy and we might each believe another one.
 */
export function readBearer(headers: Headers): string {
  const header = headers.get('authorization') ?? ''
  // Another scheme is no credential for us, and section 3.1 wants no error then.
  if (!offersBearer.test(header))
    throw new Refusal(401, 'token_missing', 'This needs an access token: Authorization: Bearer ...')
  const token = bearer.exec(header)?.[1]
  if (token === undefined) {
    throw new Refusal(
      400,
      'invalid_request',
      'There must be one Authorization header, with one Bearer token',
      'invalid_request',
    )
  }
  return token
}
