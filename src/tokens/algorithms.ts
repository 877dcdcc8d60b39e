import { base64url, type JWK } from 'jose'

/** The algorithms a key can be bound to; each key signs with exactly one (RFC 8725, section 3.1). */
export type Algorithm = 'EdDSA' | 'ES256' | 'PS256' | 'RS256' | 'HS256'

interface AlgorithmRule {
  readonly kty: string
  readonly crv?: string
}

const rules: Readonly<Record<Algorithm, AlgorithmRule>> = {
  EdDSA: { kty: 'OKP', crv: 'Ed25519' },
  ES256: { kty: 'EC', crv: 'P-256' },
  PS256: { kty: 'RSA' },
  RS256: { kty: 'RSA' },
  HS256: { kty: 'oct' },
}

export const algorithms = Object.keys(rules) as Algorithm[]

/**
 * The one algorithm of a key: its `alg`, or what its type leaves no choice about. RSA keys must name theirs.
 * @throws TypeError for unknown, mismatched or weak keys. No message holds key material.
 */
export function algorithmOf(jwk: JWK): Algorithm {
  const candidates = algorithms.filter(
    (name) => rules[name].kty === jwk.kty && rules[name].crv === (jwk.kty === 'RSA' ? undefined : jwk.crv),
  )
  const named = jwk.alg === undefined ? candidates : candidates.filter((name) => name === jwk.alg)
  const [algorithm] = named
  if (algorithm === undefined || named.length > 1) {
    throw new TypeError(`a key needs an "alg" that fits its type: one of ${algorithms.join(', ')}`)
  }
  checkUse(jwk)
  if (jwk.kty === 'RSA') checkRsa(jwk)
  if (jwk.kty === 'oct') checkSecret(jwk)
  return algorithm
}

function checkUse(jwk: JWK): void {
  const operations = jwk.key_ops ?? ['sign']
  if ((jwk.use ?? 'sig') !== 'sig' || !operations.some((operation) => operation === 'sign' || operation === 'verify')) {
    throw new TypeError('a key must be meant for signatures ("use": "sig")')
  }
}

function checkRsa(jwk: JWK): void {
  const modulus = numberOf(jwk.n)
  const exponent = numberOf(jwk.e)
  if (modulus.toString(2).length < 2048) throw new TypeError('an RSA key must have at least 2048 bits')
  if (exponent < 65_537n || exponent % 2n === 0n)
    throw new TypeError('an RSA key must have a public exponent of at least 65537')
}

function checkSecret(jwk: JWK): void {
  if (base64url.decode(jwk.k ?? '').length < 32)
    throw new TypeError('an HMAC secret must have at least 32 bytes (RFC 7518, section 3.2)')
}

function numberOf(part: string | undefined): bigint {
  const hex = Array.from(base64url.decode(part ?? ''), (byte) => byte.toString(16).padStart(2, '0')).join('')
  return BigInt(`0x0${hex}`)
}
