import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { memoryStore } from '../../src/memory-store.js'
import { createSessions, type Sessions } from '../../src/sessions.js'
import { generateKeys } from '../../src/tokens/generate-keys.js'
import { createKeyRing, type KeyRing } from '../../src/tokens/key-ring.js'
import { createFakeClock } from '../conformance/fake-clock.js'
import { codeOf } from '../conformance/harness.js'

const verbs = ['verify', 'refresh', 'revokeToken'] as const
const names = { issuer: 'https://issuer.example', audience: 'https://api.example' }
const clock = createFakeClock()
let keys: KeyRing
let sessions: Sessions<Record<never, never>, never, string>

beforeAll(async () => {
  keys = await createKeyRing(await generateKeys())
  sessions = createSessions({ store: memoryStore(), keys, clock, ...names, refreshToken: { secret: 'r'.repeat(32) } })
})
afterAll(() => sessions.close())

/** Of a login of its own, since what is taken may end it: its tokens, and its claims under other types. */
const kinds: [string, () => Promise<string>, readonly string[]][] = [
  ['an access token', accessToken, ['accepted', 'refresh_token_invalid', 'accepted']],
  [
    'a refresh token',
    async () => (await sessions.create({ userId: 'alice' })).refreshToken,
    ['token_malformed', 'accepted', 'accepted'],
  ],
  ...['JWT', 'logout+jwt', 'secevent+jwt', 'dpop+jwt', 'statuslist+jwt', 'token-introspection+jwt', 'key-check'].map(
    (type): [string, () => Promise<string>, readonly string[]] => [
      `a token of our keys of the type ${type}`,
      async () => keys.sign(type, claimsOf(await accessToken())),
      ['token_invalid', 'refresh_token_invalid', 'token_invalid'],
    ],
  ),
  [
    'a token of our keys without a type, as ID tokens of many providers are',
    async () => keys.sign(undefined as unknown as string, claimsOf(await accessToken())),
    ['token_invalid', 'refresh_token_invalid', 'token_invalid'],
  ],
]

async function accessToken(): Promise<string> {
  return (await sessions.create({ userId: 'alice' })).accessToken
}

function claimsOf(token: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString()) as Record<string, unknown>
}

describe('each verb takes its own kinds of tokens and no other (ASVS 9.2.2)', () => {
  test.each(kinds)('%s', async (_, make, expected) => {
    const answers: string[] = []
    for (const verb of verbs) answers.push(await codeOf(sessions[verb](await make())))
    expect(answers).toEqual(expected)
  })
})
