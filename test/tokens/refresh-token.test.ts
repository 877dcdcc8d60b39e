import { describe, expect, test } from 'vitest'
import { systemRandom } from '../../src/ports/random.js'
import { createRefreshTokens, hashRefreshToken, isRefreshToken } from '../../src/tokens/refresh-token.js'
import { codeOf } from '../conformance/harness.js'

const secret = 'a refresh secret of thirty-two bytes or more'
const issuer = 'https://issuer.example'
const tokens = createRefreshTokens(secret, issuer, systemRandom)
const key = { userId: 'ålice@example.com', sid: 'a-session_id' }

describe('a refresh token', () => {
  test('begins with a text that secret scanners can look for, and is URL- and cookie-safe', async () => {
    const { text } = await tokens.first(key)
    expect(text).toMatch(/^rollcall_rt_[\w.-]{100,600}$/)
    expect(isRefreshToken(text)).toBe(true)
    expect(isRefreshToken(`x${text}`)).toBe(false)
  })

  test('says which session and generation it belongs to', async () => {
    const first = await tokens.first(key)
    expect(await tokens.read(first.text)).toEqual(first)
    expect(first).toMatchObject({ ...key, generation: 0 })
    const next = await tokens.successor(first, { generation: 41, salt: 'salt' })
    expect(await tokens.read(next.text)).toMatchObject({ ...key, generation: 41 })
  })

  test('fits the longest user id, in any script', async () => {
    const longest = { userId: '\u{1F600}'.repeat(63) + 'abc', sid: 's'.repeat(64) }
    const token = await tokens.first(longest)
    const last = await tokens.successor(token, { generation: 999_999_999_999_999, salt: 'salt' })
    expect(await tokens.read(last.text)).toMatchObject(longest)
  })

  test('of a login holds 32 random bytes (ASVS 7.2.3, 11.5.1)', async () => {
    const asked: number[] = []
    const counted = createRefreshTokens(secret, issuer, (count) => (asked.push(count), systemRandom(count)))
    const [one, other] = [await counted.first(key), await counted.first(key)]
    expect(asked).toEqual([32, 32])
    expect(one.text).not.toBe(other.text)
  })

  test('always has the same successor for the same salt, and another for another salt, token, secret or issuer', async () => {
    const first = await tokens.first(key)
    const derivation = { generation: 1, salt: 'salt' }
    const successor = await tokens.successor(first, derivation)
    expect(await tokens.successor(await tokens.read(first.text), derivation)).toEqual(successor)
    const others = await Promise.all([
      tokens.successor(first, { ...derivation, salt: 'Salt' }),
      tokens.successor(await tokens.first(key), derivation),
      createRefreshTokens(`${secret}!`, issuer, systemRandom).successor(first, derivation),
      createRefreshTokens(secret, `${issuer}/`, systemRandom).successor(first, derivation),
    ])
    const secretPart = (text: string): string => text.split('.').at(-2)!
    const parts = [successor, ...others].map(({ text }) => secretPart(text))
    expect(new Set(parts).size).toBe(5)
    expect(parts[0]).toMatch(/^[\w-]{43}$/)
  })

  test('is derived under the secret that is named, which need not be the first', async () => {
    const [old, both] = [tokens, createRefreshTokens(['x'.repeat(32), secret], issuer, systemRandom)]
    const first = await old.first(key)
    const derivation = { generation: 1, salt: 'salt', secretId: first.secretId }
    expect(await both.successor(first, derivation)).toEqual(await old.successor(first, derivation))
    const promoted = await both.successor(first, { generation: 1, salt: 'salt' })
    expect(promoted.secretId).not.toBe(first.secretId)
    const { secretId } = promoted
    expect(await codeOf(old.successor(first, { generation: 1, salt: 'salt', secretId }))).toBe('key_unavailable')
  })

  test('under a secret that is not here may be good elsewhere; of another issuer it is no business of ours', async () => {
    const { text } = await tokens.first(key)
    expect(await codeOf(createRefreshTokens('x'.repeat(32), issuer, systemRandom).read(text))).toBe('key_unavailable')
    const other = createRefreshTokens('x'.repeat(32), `${issuer}/`, systemRandom)
    expect(await codeOf(other.read(text))).toBe('refresh_token_invalid')
  })

  test('with its secret bits or its MAC taken from another token is refused', async () => {
    const [one, other] = [await tokens.first(key), await tokens.first(key)]
    const [partsOfOne, partsOfOther] = [one.text.split('.'), other.text.split('.')]
    for (const index of [4, 5]) {
      const mixed = partsOfOne.with(index, partsOfOther[index]!).join('.')
      expect(await codeOf(tokens.read(mixed))).toBe('refresh_token_invalid')
    }
    expect(await codeOf(tokens.read(partsOfOne.with(3, '1').join('.')))).toBe('refresh_token_invalid')
  })

  test('is kept as a hash that tells it from every other', async () => {
    const [one, other] = [await tokens.first(key), await tokens.first(key)]
    const hash = await hashRefreshToken(one)
    expect(hash).toMatch(/^[\w-]{43}$/)
    expect(hash).toBe(await hashRefreshToken(await tokens.read(one.text)))
    expect(hash).not.toBe(await hashRefreshToken(other))
  })

  test('is not changed by an app that changes the bytes it gave as a secret', async () => {
    const bytes = new TextEncoder().encode(secret)
    const made = createRefreshTokens(bytes, issuer, systemRandom)
    bytes.fill(0)
    expect((await tokens.read((await made.first(key)).text)).userId).toBe(key.userId)
  })
})
