import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { generateKeys } from '../../src/tokens/generate-keys.js'
import { createKeyRing, type JwkSet, type KeySource } from '../../src/tokens/key-ring.js'
import { codeOf } from '../conformance/harness.js'

const all = ['EdDSA', 'ES256', 'PS256', 'RS256', 'HS256'] as const

function rsaJwk(modulusLength: number, publicExponent = 0x1_00_01): Record<string, unknown> {
  return {
    ...generateKeyPairSync('rsa', { modulusLength, publicExponent }).privateKey.export({ format: 'jwk' }),
    alg: 'RS256',
  }
}

describe('a key ring', () => {
  test.each(all)('of a generated %s key signs and verifies, from text and from the object', async (algorithm) => {
    const set = await generateKeys({ algorithm })
    const [fromText, fromObject] = [await createKeyRing(JSON.stringify(set)), await createKeyRing(set)]
    const token = await fromText.sign('at+jwt', { hello: 'world' })
    expect(await fromObject.verify('at+jwt', token)).toEqual({ hello: 'world' })
    expect(JSON.parse(Buffer.from(token.split('.')[0]!, 'base64url').toString())).toEqual({
      alg: algorithm,
      kid: set.keys[0]!.kid,
      typ: 'at+jwt',
    })
  })

  test.each(all.slice(0, 4))('publishes the public half of a %s key alone', async (algorithm) => {
    const set = await generateKeys({ algorithm })
    const [published] = (await createKeyRing(set)).jwks().keys
    expect(published).toMatchObject({ kid: set.keys[0]!.kid, alg: algorithm, use: 'sig' })
    for (const member of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k']) expect(published).not.toHaveProperty(member)
  })

  test('publishes no HMAC secret', async () => {
    expect((await createKeyRing(await generateKeys({ algorithm: 'HS256' }))).jwks()).toEqual({ keys: [] })
    expect((await createKeyRing({ secret: randomBytes(32) })).jwks()).toEqual({ keys: [] })
  })

  test('signs with its first key and verifies with all of them, so that keys can be changed', async () => {
    const [before, after] = [await generateKeys(), await generateKeys({ algorithm: 'ES256' })]
    const oldRing = await createKeyRing(before)
    const both = await createKeyRing({ keys: [...after.keys, ...before.keys] })
    const onlyNew = await createKeyRing(after)
    const oldToken = await oldRing.sign('at+jwt', { from: 'old' })
    expect(await both.verify('at+jwt', oldToken)).toEqual({ from: 'old' })
    expect(await onlyNew.verify('at+jwt', await both.sign('at+jwt', { from: 'new' }))).toEqual({ from: 'new' })
    expect(await codeOf(onlyNew.verify('at+jwt', oldToken))).toBe('token_invalid')
    expect(both.jwks().keys).toHaveLength(2)
  })

  test('takes a public key behind the first one', async () => {
    const [signing, other] = [await generateKeys(), await generateKeys()]
    const { d: _, ...publicKey } = other.keys[0]!
    const ring = await createKeyRing([signing.keys[0]!, publicKey])
    const token = await (await createKeyRing(other)).sign('at+jwt', {})
    expect(await ring.verify('at+jwt', token)).toEqual({})
  })

  test('gives a key without a kid its thumbprint (RFC 7638)', async () => {
    const set = await generateKeys()
    const { kid, ...nameless } = set.keys[0]!
    expect((await createKeyRing([nameless])).jwks().keys[0]!.kid).toBe(kid)
  })

  const refused: [string, () => unknown][] = [
    ['nothing', () => undefined],
    ['an empty text', () => ''],
    ['a text that is not JSON', () => 'ROLLCALL_KEYS'],
    ['null', () => null],
    ['a number', () => 5],
    ['a set without keys', () => ({ keys: [] })],
    ['an object of another kind', () => ({ jwks: [] })],
    ['keys that are not objects', () => [null, 'key']],
    ['an HMAC secret of 31 bytes', () => ({ secret: 'x'.repeat(31) })],
    ['an HMAC secret that is a number', () => ({ secret: 5 })],
    ['a short oct key', () => [{ kty: 'oct', k: 'AAAA', alg: 'HS256' }]],
    ['an oct key without k', () => [{ kty: 'oct', alg: 'HS256' }]],
    ['an RSA key of 1024 bits', () => [rsaJwk(1024)]],
    ['an RSA key with exponent 3', () => [rsaJwk(2048, 3)]],
    ['an RSA key with exponent 1', () => [{ ...rsaJwk(2048), e: 'AQ' }]],
    ['an RSA key with an even exponent', () => [{ ...rsaJwk(2048), e: 'AQAC' }]],
    ['an RSA key that names no algorithm', () => [{ ...rsaJwk(2048), alg: undefined }]],
    ['an unknown algorithm', () => [{ ...rsaJwk(2048), alg: 'RS1' }]],
    ['the algorithm none', () => [{ ...rsaJwk(2048), alg: 'none' }]],
    ['an algorithm of another type', async () => [{ ...(await generateKeys()).keys[0]!, alg: 'ES256' }]],
    [
      'a curve of another algorithm',
      () => [{ ...generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey.export({ format: 'jwk' }) }],
    ],
    ['a key for encryption', async () => [{ ...(await generateKeys()).keys[0]!, use: 'enc' }]],
    [
      'a key whose operations are others',
      async () => [{ ...(await generateKeys()).keys[0]!, key_ops: ['deriveBits'] }],
    ],
    ['a public key as the first', async () => (await createKeyRing(await generateKeys())).jwks()],
    ['a kid that is no text', async () => [{ ...(await generateKeys()).keys[0]!, kid: 5 }]],
    ['an empty kid', async () => [{ ...(await generateKeys()).keys[0]!, kid: '' }]],
    [
      'two keys of one kid',
      async () =>
        [...(await generateKeys()).keys, ...(await generateKeys()).keys].map((key) => ({ ...key, kid: 'same' })),
    ],
    [
      'symmetric beside asymmetric keys',
      async () => [...(await generateKeys()).keys, ...(await generateKeys({ algorithm: 'HS256' })).keys],
    ],
    ['a truncated key', async () => [{ ...(await generateKeys()).keys[0]!, d: 'AAAA' }]],
    ['halves of two keys', async () => [{ ...(await generateKeys()).keys[0]!, x: (await generateKeys()).keys[0]!.x }]],
  ]
  test.each(refused)('refuses %s with a TypeError that shows no key material (ASVS 9.1.2)', async (_, source) => {
    const value = (await source()) as KeySource | undefined
    const error: unknown = await createKeyRing(value).then(
      () => null,
      (reason: unknown) => reason,
    )
    expect(error).toBeInstanceOf(TypeError)
    const secrets = JSON.stringify(value ?? '').match(/[\w-]{20,}/g) ?? []
    for (const secret of secrets) expect(String((error as Error).stack)).not.toContain(secret)
    expect((error as Error).cause).toBeUndefined()
  })

  test('refuses to make keys of an unknown algorithm', async () => {
    await expect(generateKeys({ algorithm: 'none' as 'EdDSA' })).rejects.toBeInstanceOf(TypeError)
    await expect(generateKeys('ES256' as never)).rejects.toBeInstanceOf(TypeError)
    await expect(generateKeys({ alg: 'ES256' } as object)).rejects.toBeInstanceOf(TypeError)
  })
})

test('two generated keys differ, and hold what their algorithm asks for', async () => {
  const [one, two] = [await generateKeys({ algorithm: 'PS256' }), await generateKeys({ algorithm: 'PS256' })]
  expect(one.keys[0]!.n).not.toBe(two.keys[0]!.n)
  expect(Buffer.from(one.keys[0]!.n!, 'base64url')).toHaveLength(384)
  const secret: JwkSet = await generateKeys({ algorithm: 'HS256' })
  expect(Buffer.from(secret.keys[0]!.k!, 'base64url')).toHaveLength(32)
})
