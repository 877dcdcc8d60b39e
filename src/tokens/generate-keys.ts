import { base64url, calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK } from 'jose'
import { checkOptions } from '../options.js'
import { systemRandom } from '../ports/random.js'
import { algorithms, type Algorithm } from './algorithms.js'
import type { JwkSet } from './key-ring.js'

/**
 * Makes one fresh signing key as a JWK set, ready for `JSON.stringify` and `ROLLCALL_KEYS`. It holds the private
 * half: keep it as you keep passwords.
 *
 * @param options.algorithm Default `'EdDSA'` (Ed25519). RSA keys get 3072 bits, HMAC secrets 256 bits.
 */
export async function generateKeys(options?: { readonly algorithm?: Algorithm }): Promise<JwkSet> {
  checkOptions('generateKeys', options, ['algorithm'])
  const { algorithm = 'EdDSA' } = options ?? {}
  if (!algorithms.includes(algorithm)) throw new TypeError(`algorithm must be one of ${algorithms.join(', ')}`)
  const jwk = await generateJwk(algorithm)
  return { keys: [{ ...jwk, kid: await calculateJwkThumbprint(jwk), alg: algorithm, use: 'sig' }] }
}

async function generateJwk(algorithm: Algorithm): Promise<JWK> {
  if (algorithm === 'HS256') return { kty: 'oct', k: base64url.encode(systemRandom(32)) }
  const { privateKey } = await generateKeyPair(algorithm, { extractable: true, modulusLength: 3072 })
  return exportJWK(privateKey)
}
