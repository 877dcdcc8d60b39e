import { base64url } from 'jose'
import { RollcallError } from '../errors.js'
import type { Random } from '../ports/random.js'

const maximumLength = 8_192
const compact = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/
/** The last characters a canonical base64url text may have when its length is 2 or 3 beyond a multiple of 4. */
const lastOfTwo = /[AQgw]$/
const lastOfThree = /[AEIMQUYcgkosw048]$/

/**
 * Size and form, before anything is decoded (RFC 8725bis "check JWT format"). jose alone accepts white space and
 * non-canonical base64url, so that one token would have many spellings.
 */
export function checkFormat(token: unknown): string {
  if (
    typeof token !== 'string' ||
    token.length > maximumLength ||
    !compact.test(token) ||
    !token.split('.').every(isCanonical)
  ) {
    throw new RollcallError('token_malformed')
  }
  return token
}

/** Whether unused bits at the end are zero: so that each value has one spelling. */
export function isCanonical(part: string): boolean {
  const rest = part.length % 4
  return rest === 0 || (rest === 2 && lastOfTwo.test(part)) || (rest === 3 && lastOfThree.test(part))
}

/** The text of these bytes, a byte order mark at its beginning included; `null` for bad UTF-8. */
export function decodeText(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return null
  }
}

/** Decodes a part to a JSON object, or `null`: bad UTF-8 and everything that is not an object are refused. */
export function decodeObject(bytes: Uint8Array): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(decodeText(bytes) ?? '')
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null
  } catch {
    return null
  }
}

export function decodeHeader(token: string): Record<string, unknown> | null {
  return decodeObject(base64url.decode(token.slice(0, token.indexOf('.'))))
}

/** The payload of a token that was verified. */
export function decodeClaims(token: string): Record<string, unknown> | null {
  return decodeObject(base64url.decode(token.split('.')[1] ?? ''))
}

/** 128 random bits as 22 characters: a `sid` or a `jti`. Neither is a credential. */
export function randomId(random: Random): string {
  return base64url.encode(random(16))
}

/** A number from 0 to 1 that always is the same for an id made by {@link randomId}. */
export function fractionOf(id: string): number {
  const [high = 0, low = 0] = base64url.decode(id.slice(0, 4))
  return (high * 256 + low) / 65_536
}
