import {
  base64url,
  calculateJwkThumbprint,
  CompactSign,
  compactVerify,
  importJWK,
  type CryptoKey,
  type JWK,
} from 'jose'
import { RollcallError } from '../errors.js'
import { algorithmOf, type Algorithm } from './algorithms.js'
import { checkFormat, decodeHeader, decodeObject } from './format.js'

export interface JwkSet {
  readonly keys: readonly JWK[]
}

/** What {@link createKeyRing} takes: a JWK set as text or object, a list of JWKs, or one HMAC secret. */
export type KeySource = string | JwkSet | readonly JWK[] | { readonly secret: string | Uint8Array }

/** The keys that sign and verify. The first signs; all verify; each is bound to one algorithm. */
export interface KeyRing {
  /** The public halves, as a JWK set to publish at `/.well-known/jwks.json`. HMAC secrets are never in it. */
  jwks(): JwkSet
  /** Signs a payload with the first key. */
  sign(type: string, payload: Readonly<Record<string, unknown>>): Promise<string>
  /** The payload of a token of this type that one of the keys signed. @throws RollcallError `token_malformed`, `token_invalid` */
  verify(type: string, token: unknown): Promise<Readonly<Record<string, unknown>>>
}

interface RingKey {
  readonly kid: string
  readonly algorithm: Algorithm
  readonly jwk: JWK
  readonly verifyKey: CryptoKey
}

/**
 * Reads the signing keys, several at once for rotation. A new key goes behind the old one on every node first, then in
 * front of it, and the old one goes when the last token it signed has expired: so no node meets a key it does not know. `process.env.ROLLCALL_KEYS` can be passed as it is.
 *
 * @throws TypeError when there are no keys, a key is weak (HMAC under 32 bytes, RSA under 2048 bits or with a public
 * exponent under 65537), two share a `kid`, symmetric and asymmetric ones are mixed, or the first can't sign.
 */
export async function createKeyRing(source: KeySource | undefined): Promise<KeyRing> {
  const jwks = readSource(source)
  const keys = await Promise.all(jwks.map(importKey))
  const byKid = new Map(keys.map((key) => [key.kid, key]))
  const [first] = keys
  if (first === undefined) throw new TypeError('the key ring is empty: make keys with generateKeys()')
  if (byKid.size < keys.length) throw new TypeError('two keys share one "kid"')
  const symmetric = keys.filter((key) => key.algorithm === 'HS256')
  if (symmetric.length > 0 && symmetric.length < keys.length)
    throw new TypeError('symmetric and asymmetric keys must not be mixed')
  const signKey = await importSigningKey(first)

  const ring: KeyRing = {
    jwks: () => ({ keys: symmetric.length > 0 ? [] : keys.map(publicJwk) }),
    sign: (type, payload) =>
      new CompactSign(new TextEncoder().encode(JSON.stringify(payload)))
        .setProtectedHeader({ alg: first.algorithm, kid: first.kid, typ: type })
        .sign(signKey),
    verify: (type, token) => verifyToken(byKid, type, token),
  }
  await checkPair(ring)
  return ring
}

/** A private half that does not belong to its public half would issue tokens that nobody accepts. */
async function checkPair(ring: KeyRing): Promise<void> {
  try {
    await ring.verify('key-check', await ring.sign('key-check', {}))
  } catch {
    throw new TypeError('the two halves of the first key do not belong together')
  }
}

async function verifyToken(
  keys: ReadonlyMap<string, RingKey>,
  type: string,
  token: unknown,
): Promise<Record<string, unknown>> {
  const text = checkFormat(token)
  const header = decodeHeader(text)
  if (header === null) throw new RollcallError('token_malformed')
  const key = typeof header['kid'] === 'string' ? keys.get(header['kid']) : undefined
  // Own tokens carry no `crit`, so every extension a `crit` could name is unknown here (RFC 7515, section 4.1.11).
  if (key === undefined || header['alg'] !== key.algorithm || !isType(header['typ'], type) || 'crit' in header) {
    throw new RollcallError('token_invalid')
  }
  const payload = await compactVerify(text, key.verifyKey, { algorithms: [key.algorithm] }).then(
    (verified) => verified.payload,
    () => null,
  )
  if (payload === null) throw new RollcallError('token_invalid')
  const claims = decodeObject(payload)
  if (claims === null) throw new RollcallError('token_malformed')
  return claims
}

/** RFC 9068, section 4: media types compare without case, and `application/` may stand before. */
function isType(given: unknown, wanted: string): boolean {
  if (typeof given !== 'string') return false
  return given.toLowerCase().replace(/^application\//, '') === wanted
}

function readSource(source: KeySource | undefined): readonly JWK[] {
  if (source === undefined || source === '')
    throw new TypeError('no keys were given: make some with generateKeys() and set ROLLCALL_KEYS')
  const value: unknown = typeof source === 'string' ? parseText(source) : source
  if (Array.isArray(value)) return value as JWK[]
  if (typeof value === 'object' && value !== null) {
    if ('secret' in value) return [secretJwk(value.secret)]
    if ('keys' in value && Array.isArray(value.keys)) return value.keys as JWK[]
  }
  throw new TypeError('keys must be a JWK set ({"keys": [...]}) as text or object, a list of JWKs, or { secret }')
}

function parseText(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // Without the parser's error as cause: its message quotes the text, which is a secret.
    throw new TypeError('the key text is not JSON: it should be what JSON.stringify(await generateKeys()) gave')
  }
}

function secretJwk(secret: unknown): JWK {
  if (typeof secret !== 'string' && !(secret instanceof Uint8Array))
    throw new TypeError('secret must be a string or a Uint8Array')
  return { kty: 'oct', alg: 'HS256', k: base64url.encode(secret) }
}

async function importKey(jwk: JWK): Promise<RingKey> {
  if (typeof jwk !== 'object' || jwk === null) throw new TypeError('a key must be a JWK object')
  const algorithm = algorithmOf(jwk)
  const kid = jwk.kid ?? (await thumbprint(jwk))
  if (typeof kid !== 'string' || kid === '' || kid.length > 255)
    throw new TypeError('"kid" must be a string of 1 to 255 characters')
  const verifyKey = await imported(algorithm === 'HS256' ? jwk : publicJwk({ jwk, kid, algorithm }), algorithm, [
    'verify',
  ])
  return { kid, algorithm, jwk, verifyKey }
}

async function importSigningKey(key: RingKey): Promise<CryptoKey> {
  if (key.algorithm !== 'HS256' && key.jwk.d === undefined)
    throw new TypeError('the first key must be a private key: it signs')
  return imported(key.jwk, key.algorithm, ['sign'])
}

async function imported(jwk: JWK, algorithm: Algorithm, usages: ('sign' | 'verify')[]): Promise<CryptoKey> {
  try {
    if (algorithm !== 'HS256') return (await importJWK({ ...jwk, key_ops: usages }, algorithm)) as CryptoKey
    // As a CryptoKey it is imported once; jose imports raw bytes anew at every call.
    const bytes = base64url.decode(jwk.k!) as Uint8Array<ArrayBuffer>
    return await crypto.subtle.importKey('raw', bytes, { name: 'HMAC', hash: 'SHA-256' }, false, usages)
  } catch {
    throw new TypeError(`a key is not a usable ${algorithm} key`)
  }
}

async function thumbprint(jwk: JWK): Promise<string> {
  try {
    return await calculateJwkThumbprint(jwk)
  } catch {
    throw new TypeError('a key lacks a required member')
  }
}

function publicJwk({ jwk, kid, algorithm }: { jwk: JWK; kid: string; algorithm: Algorithm }): JWK {
  const members =
    jwk.kty === 'RSA'
      ? { n: jwk.n!, e: jwk.e! }
      : { crv: jwk.crv!, x: jwk.x!, ...(jwk.y !== undefined && { y: jwk.y }) }
  return { kty: jwk.kty!, ...members, kid, alg: algorithm, use: 'sig' }
}
