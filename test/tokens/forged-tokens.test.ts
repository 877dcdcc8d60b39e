import { createHmac, createSign, generateKeyPairSync } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { memoryStore } from '../../src/memory-store.js'
import { createSessions, type Sessions } from '../../src/sessions.js'
import { generateKeys } from '../../src/tokens/generate-keys.js'
import { createKeyRing, type JwkSet, type KeyRing } from '../../src/tokens/key-ring.js'
import { createFakeClock } from '../conformance/fake-clock.js'
import { codeOf } from '../conformance/harness.js'

const clock = createFakeClock()
const seconds = Math.floor(clock.wall() / 1_000)
const names = { issuer: 'https://issuer.example', audience: 'https://api.example' }
let queries = 0
let keySet: JwkSet
let keys: KeyRing
let sessions: Sessions
let genuine: string
let payload: Record<string, unknown>

beforeAll(async () => {
  keySet = await generateKeys({ algorithm: 'ES256' })
  keys = await createKeyRing(keySet)
  const store = memoryStore()
  const counted = {
    ...store,
    lookup: (...given: Parameters<typeof store.lookup>) => ((queries += 1), store.lookup(...given)),
  }
  sessions = createSessions({ store: counted, keys, clock, ...names })
  genuine = (await sessions.create({ userId: 'alice', lifetime: '1h' })).accessToken
  payload = JSON.parse(Buffer.from(genuine.split('.')[1]!, 'base64url').toString()) as Record<string, unknown>
})
afterAll(() => sessions.close())

const encode = (value: unknown): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')
const header = (changes: object = {}): object => ({ alg: 'ES256', kid: keySet.keys[0]!.kid, typ: 'at+jwt', ...changes })
const unsigned = (head: unknown, body: unknown = payload): string => `${encode(head)}.${encode(body)}.${'A'.repeat(86)}`

/** Refused with this code, by verify and by revokeToken, without one query. */
async function expectRefused(token: unknown, code: string): Promise<void> {
  const before = queries
  expect(await codeOf(sessions.verify(token as string))).toBe(code)
  expect(await codeOf(sessions.revokeToken(token as string))).toBe(code)
  expect(queries).toBe(before)
  expect(await codeOf(sessions.verify(genuine))).toBe('accepted')
}

describe('a token of the wrong form is token_malformed and costs no query', () => {
  const malformed: [string, () => unknown][] = [
    ['undefined', () => undefined],
    ['null', () => null],
    ['a number', () => 5],
    ['an object', () => ({ token: genuine })],
    ['an array', () => [genuine]],
    ['an empty text', () => ''],
    ['two dots alone', () => '..'],
    ['two parts', () => genuine.split('.').slice(0, 2).join('.')],
    ['four parts', () => `${genuine}.AAAA`],
    ['many dots', () => '.'.repeat(5_000)],
    ['1 MB', () => genuine + 'A'.repeat(1_048_576)],
    ['just over 8 KB', () => `${genuine}${'A'.repeat(8_193 - genuine.length)}`],
    ['a space before', () => ` ${genuine}`],
    ['a line break behind', () => `${genuine}\n`],
    ['a space in the signature', () => `${genuine.slice(0, -5)} ${genuine.slice(-5)}`],
    ['padding', () => `${genuine}==`],
    ['the other base64 alphabet', () => `${genuine.slice(0, -1)}+`],
    ['a quote', () => `"${genuine}"`],
    ['NUL', () => `${genuine}\0`],
    ['letters beyond ASCII', () => `${genuine.slice(0, -1)}é`],
    ['a header that is not JSON', () => `${encode('{')}.${encode(payload)}.AAAA`],
    ['a header that is an array', () => unsigned([])],
    ['a header that is null', () => unsigned(null)],
    [
      'a header that is not UTF-8',
      () => `${Buffer.from([0xff, 0xfe, 0x7b]).toString('base64url')}.${encode(payload)}.AAAA`,
    ],
    ['a signature of impossible length', () => `${genuine.split('.').slice(0, 2).join('.')}.AAAAA`],
  ]
  test.each(malformed)('%s', (_, token) => expectRefused(token(), 'token_malformed'))

  test('a second spelling of the same bytes', async () => {
    const last = genuine.at(-1)!
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
    const sibling = alphabet[alphabet.indexOf(last) ^ 1]!
    const signature = genuine.split('.')[2]!
    expect(Buffer.from(signature.slice(0, -1) + sibling, 'base64url')).toEqual(Buffer.from(signature, 'base64url'))
    await expectRefused(genuine.slice(0, -1) + sibling, 'token_malformed')
  })
})

describe('a token that these keys did not sign is token_invalid and costs no query (ASVS 9.1.1, 9.1.2)', () => {
  const forged: [string, () => string | Promise<string>][] = [
    ['alg none', () => unsigned(header({ alg: 'none' }))],
    ['alg nOnE', () => unsigned(header({ alg: 'nOnE' }))],
    ['alg missing', () => unsigned(header({ alg: undefined }))],
    ['alg a number', () => unsigned(header({ alg: 256 }))],
    ['HS256 with the public key as secret', () => hmacWithPublicKey()],
    ['RS256 of a key of the attacker', () => signedByStranger({})],
    ['an embedded jwk of the attacker', () => signedByStranger({ jwk: keys.jwks().keys[0] })],
    ['a jku of the attacker', () => signedByStranger({ jku: 'http://127.0.0.1:1/jwks.json' })],
    ['an unknown crit', () => unsigned(header({ crit: ['exp'], exp: 1 }))],
    ['an empty crit', () => unsigned(header({ crit: [] }))],
    ['b64 off', () => unsigned(header({ crit: ['b64'], b64: false }))],
    ['no kid', () => unsigned(header({ kid: undefined }))],
    ...['__proto__', 'constructor', 'toString', '../../x', "' or 1=1 --", '', 'unknown', 5, null, ['a'], { a: 1 }].map(
      (kid): [string, () => string] => [`the kid ${JSON.stringify(kid)}`, () => unsigned(header({ kid }))],
    ),
    [
      'a changed payload',
      () => [encode(header()), encode({ ...payload, sub: 'bob' }), genuine.split('.')[2]].join('.'),
    ],
    [
      'another key',
      async () => (await createKeyRing(await generateKeys({ algorithm: 'ES256' }))).sign('at+jwt', payload),
    ],
  ]
  test.each(forged)('%s', async (_, token) => expectRefused(await token(), 'token_invalid'))

  test.each(['JWT', 'logout+jwt', 'secevent+jwt', 'dpop+jwt', 'at+jwt ', 'application/jwt', 'rt+jwt'])(
    'genuine, but of type %s (ASVS 9.2.2)',
    async (type) => expectRefused(await keys.sign(type, payload), 'token_invalid'),
  )

  test.each(['AT+JWT', 'application/at+jwt', 'Application/At+Jwt'])(
    'while the type %s is accepted (RFC 9068, section 4)',
    async (type) => {
      expect(await codeOf(sessions.verify(await keys.sign(type, payload)))).toBe('accepted')
    },
  )
})

describe('a genuine token with wrong claims is token_invalid and costs no query (ASVS 9.2.1, 9.2.3, 10.3.1)', () => {
  const wrong: [string, Record<string, unknown>][] = [
    ...['iss', 'sub', 'aud', 'exp', 'iat', 'jti', 'sid', 'tokenVersion'].map(
      (name): [string, Record<string, unknown>] => [`no ${name}`, { [name]: undefined }],
    ),
    ...[null, '', 5, 'https://issuer.example/', 'HTTPS://issuer.example', ['https://issuer.example']].map(
      (iss): [string, Record<string, unknown>] => [`iss ${JSON.stringify(iss)}`, { iss }],
    ),
    ...[null, '', 5, [], [''], ['https://other.example'], [5], ['https://api.example', 5], {}].map(
      (aud): [string, Record<string, unknown>] => [`aud ${JSON.stringify(aud)}`, { aud }],
    ),
    ...[null, '', 5, true, ['alice'], { name: 'alice' }, 'a\0b', 'x'.repeat(256)].map(
      (sub): [string, Record<string, unknown>] => [`sub ${JSON.stringify(sub).slice(0, 20)}`, { sub }],
    ),
    ...['exp', 'iat'].flatMap((name) =>
      [null, `${seconds + 60}`, -1, 0, 1e300, seconds + 0.5, (seconds + 60) * 1_000, true, [], {}].map(
        (value): [string, Record<string, unknown>] => [`${name} ${JSON.stringify(value)}`, { [name]: value }],
      ),
    ),
    ['iat beyond the tolerance', { iat: seconds + 6 }],
    ['nbf beyond the tolerance', { nbf: seconds + 6 }],
    ['nbf as text', { nbf: `${seconds}` }],
    ...['jti', 'sid'].flatMap((name) =>
      [null, '', 5, ['a'], 'a b', 'x'.repeat(65), "' or 1=1", 'é'].map((value): [string, Record<string, unknown>] => [
        `${name} ${JSON.stringify(value).slice(0, 20)}`,
        { [name]: value },
      ]),
    ),
    ...[null, '0', -1, 0.5, 2 ** 53, true, [0]].map((tokenVersion): [string, Record<string, unknown>] => [
      `tokenVersion ${JSON.stringify(tokenVersion)}`,
      { tokenVersion },
    ]),
  ]
  test.each(wrong)('%s', async (_, changes) =>
    expectRefused(await keys.sign('at+jwt', { ...payload, ...changes }), 'token_invalid'),
  )

  test('NaN and Infinity, which JSON writes as null', async () => {
    for (const exp of [Number.NaN, Number.POSITIVE_INFINITY])
      await expectRefused(await keys.sign('at+jwt', { ...payload, exp }), 'token_invalid')
  })

  test('a payload that is not a JSON object is token_malformed', async () => {
    const array = await keys.sign('at+jwt', [] as unknown as Record<string, unknown>)
    await expectRefused(array, 'token_malformed')
  })

  test('while iat and nbf within the tolerance are accepted (java-jwt#268)', async () => {
    expect(
      await codeOf(sessions.verify(await keys.sign('at+jwt', { ...payload, iat: seconds + 5, nbf: seconds + 5 }))),
    ).toBe('accepted')
  })

  test('while a token of several audiences is accepted for one of them', async () => {
    const aud = ['https://other.example', names.audience]
    expect(await codeOf(sessions.verify(await keys.sign('at+jwt', { ...payload, aud })))).toBe('accepted')
  })
})

test('an expired token is refused without a query, at its second and within the tolerance before (ASVS 9.2.1)', async () => {
  const strict = createSessions({ store: memoryStore(), keys, clock, ...names, clockTolerance: 0 })
  const now = createFakeClock(clock.wall())
  const exp = payload['exp'] as number
  expect(
    await codeOf(strict.verify(await keys.sign('at+jwt', { ...payload, exp: Math.floor(now.wall() / 1_000) }))),
  ).toBe('session_expired')
  expect(exp).toBe(seconds + 3_600)
  const before = queries
  expect(await codeOf(sessions.verify(await keys.sign('at+jwt', { ...payload, exp: seconds - 5 })))).toBe(
    'session_expired',
  )
  expect(queries).toBe(before)
  expect(await codeOf(sessions.verify(await keys.sign('at+jwt', { ...payload, exp: seconds - 4 })))).toBe('accepted')
})

function hmacWithPublicKey(): string {
  const body = `${encode(header({ alg: 'HS256' }))}.${encode(payload)}`
  return `${body}.${createHmac('sha256', JSON.stringify(keys.jwks().keys[0])).update(body).digest('base64url')}`
}

function signedByStranger(changes: object): string {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const body = `${encode(header({ alg: 'RS256', ...changes }))}.${encode(payload)}`
  return `${body}.${createSign('RSA-SHA256').update(body).sign(privateKey).toString('base64url')}`
}
