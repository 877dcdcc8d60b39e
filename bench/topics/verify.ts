import { createPublicKey, createSecretKey, type KeyObject } from 'node:crypto'
import { createVerifier } from 'fast-jwt'
import { importJWK, jwtVerify } from 'jose'
import jsonwebtoken from 'jsonwebtoken'
import { createKeyRing, createSessions, generateKeys } from 'rollcall'
import { memoryStore } from 'rollcall/memory'
import { rowsAgainstFirst } from '../against.js'
import { markdownTable } from '../markdown.js'
import { packageVersions } from '../package-versions.js'
import { measureRounds, type Variant } from '../rounds.js'
import { audience, issuer, secret, type as typ } from '../tokens.js'
import type { Topic } from '../topic.js'

const algorithms = ['HS256', 'ES256'] as const
type Algorithm = (typeof algorithms)[number]

const tokenCount = 1_000
/** Tokens of one operation, so that a clock read for each of them slows the fastest no more than the slowest. */
const batch = 100
const maxStaleness = '1m'

interface Case {
  readonly algorithm: Algorithm
  /** Verifies per second, by variant and round. */
  readonly rates: Record<string, number[]>
}

/** Tokens that this process has verified before, by one caller. */
export const verify: Topic = {
  name: 'verify',

  async measure({ rounds, duration }, log) {
    const cases: Case[] = []
    for (const algorithm of algorithms) {
      log(`verify: ${algorithm}`)
      const variants = (await openVerifiers(algorithm)).map(inBatches)
      const batches = await measureRounds(variants, { rounds, duration, callers: 1 })
      const rates = Object.entries(batches).map(([name, figures]) => [name, figures.map((rate) => rate * batch)])
      cases.push({ algorithm, rates: Object.fromEntries(rates) })
    }
    const table = markdownTable(
      ['algorithm', 'variant', 'per second', 'rollcall ÷ it'],
      cases.flatMap(({ algorithm, rates }) => rowsAgainstFirst(rates).map((row) => [algorithm, ...row])),
    )
    const versions = await packageVersions(['jose', 'jsonwebtoken', 'fast-jwt'])
    return { caption, table, versions, cases }
  },
}

const caption =
  `Verifies per second (median) by one caller, of ${tokenCount.toLocaleString('en-US')} access tokens in turn that this process has seen before, ` +
  'and how many times as many rollcall does (median and quartiles of the rounds). ' +
  `rollcall runs with \`freshness: { maxStaleness: '${maxStaleness}' }\` over the memory store: it knows the tokens and the sessions, so it reads ` +
  'each session about once a minute and tells within that time of a logout. The others check the same tokens with issuer, audience and algorithm, and know of no ' +
  'logout. fast-jwt has its cache of 1,000 tokens with the settings it comes with. A `Map` from the token to its claims is what no ' +
  'verify can beat. The text of the token is made anew from bytes for each verify, as a request brings it. Functions that answer with a promise are awaited, the others are not.'

interface Verifier {
  readonly name: string
  readonly tokens: readonly string[]
  /** The user of a token, at once where the library answers at once. Throws or rejects for another token. */
  verify(token: string): unknown
  readonly isAsync: boolean
}

async function openVerifiers(algorithm: Algorithm): Promise<Verifier[]> {
  const jwks = algorithm === 'HS256' ? null : await generateKeys({ algorithm })
  const keys = await createKeyRing(jwks ?? { secret })
  const sessions = createSessions({ store: memoryStore(), keys, issuer, audience, freshness: { maxStaleness } })
  const created = Array.from({ length: tokenCount }, (_, index) => sessions.create({ userId: `user-${index}` }))
  const tokens = (await Promise.all(created)).map(({ accessToken }) => accessToken)
  const [publicJwk] = keys.jwks().keys
  const key = publicJwk ? createPublicKey({ key: publicJwk, format: 'jwk' }) : createSecretKey(secret, 'utf8')
  const verifiers: Verifier[] = [
    { name: 'rollcall', isAsync: true, tokens, verify: (token) => sessions.verify(token) },
    { ...(await verifierOfJose(algorithm, key)), tokens },
    {
      name: 'jsonwebtoken',
      isAsync: false,
      tokens,
      verify: (token) => jsonwebtoken.verify(token, key, { algorithms: [algorithm], issuer, audience }),
    },
    { name: 'fast-jwt', isAsync: false, tokens, verify: verifierOfFastJwt(algorithm, key, false) },
    { name: 'fast-jwt, cache', isAsync: false, tokens, verify: verifierOfFastJwt(algorithm, key, true) },
  ]
  const known = new Map(
    await Promise.all(tokens.map(async (token) => [token, await verifiers[3]!.verify(token)] as const)),
  )
  for (const verifier of verifiers) await checkAnswers(verifier)
  return [...verifiers, { name: '`Map`', isAsync: false, tokens, verify: (token) => known.get(token) }]
}

async function verifierOfJose(algorithm: Algorithm, key: KeyObject): Promise<Omit<Verifier, 'tokens'>> {
  // As a CryptoKey, since jose would convert another key at every call.
  const jwk = key.export({ format: 'jwk' })
  const cryptoKey =
    algorithm === 'HS256'
      ? await crypto.subtle.importKey('raw', Buffer.from(secret), { name: 'HMAC', hash: 'SHA-256' }, false, ['verify'])
      : await importJWK(jwk, algorithm)
  const options = { algorithms: [algorithm], issuer, audience, typ }
  return { name: 'jose', isAsync: true, verify: (token) => jwtVerify(token, cryptoKey, options) }
}

function verifierOfFastJwt(algorithm: Algorithm, key: KeyObject, cache: boolean): (token: string) => unknown {
  const text = algorithm === 'HS256' ? secret : key.export({ type: 'spki', format: 'pem' })
  return createVerifier({ key: text, algorithms: [algorithm], allowedIss: issuer, allowedAud: audience, cache })
}

/** Each accepts all tokens, which also makes them known, and none with another signature. */
async function checkAnswers({ name, tokens, verify }: Verifier): Promise<void> {
  for (const token of tokens) await verify(token)
  const [head, payload] = tokens[0]!.split('.')
  const forged = [head, payload, tokens[1]!.split('.')[2]].join('.')
  const isRefused = await Promise.resolve(forged)
    .then(verify)
    .then(
      () => false,
      () => true,
    )
  if (!isRefused) throw new Error(`${name} accepts a forged token`)
}

function inBatches({ name, isAsync, tokens, verify }: Verifier): Variant {
  const bytes = tokens.map((token) => Buffer.from(token))
  let next = 0
  // A text of its own each time, as every request brings one: V8 would know the hash of a text it has seen.
  const take = (): string => bytes[(next = (next + 1) % tokenCount)]!.toString('latin1')
  return {
    name,
    async operate() {
      if (isAsync) for (let count = 0; count < batch; count += 1) await verify(take())
      else for (let count = 0; count < batch; count += 1) verify(take())
    },
  }
}
