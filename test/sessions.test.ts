import { describe, expect, test } from 'vitest'
import { RollcallError } from '../src/errors.js'
import { memoryStore } from '../src/memory-store.js'
import type { Store } from '../src/ports/store.js'
import { createSessions } from '../src/sessions.js'
import type { SessionsOptions } from '../src/settings.js'
import { codeOf } from './conformance/harness.js'
import { base, given } from './support/given.js'

const refreshToken = { secret: 'r'.repeat(32) }

describe('createSessions', () => {
  const wrong: [string, object][] = [
    ['no store', { store: undefined }],
    ['a store that is none', { store: {} }],
    ['no keys', { keys: undefined }],
    ['keys that are text', { keys: 'secret' }],
    ['no issuer', { issuer: undefined }],
    ['an empty issuer', { issuer: '' }],
    ['an issuer that is no text', { issuer: 5 }],
    ['no audience', { audience: undefined }],
    ['an empty list of audiences', { audience: [] }],
    ['an audience that is no text', { audience: ['a', 5] }],
    ['claims that are no function', { claims: { role: 'admin' } }],
    ['an unknown option', { lifetime: '1d' }],
    ['an unknown session option', { session: { idle: '1d' } }],
    ['a session that is no object', { session: '30d' }],
    ...[
      '30',
      '30 d',
      'd',
      '-1d',
      '0d',
      '1.5d',
      '99999999d',
      0,
      -1,
      Number.NaN,
      Number.POSITIVE_INFINITY,
      1.5,
      null,
      true,
      '',
      '１d',
    ].map((lifetime): [string, object] => [`the lifetime ${String(lifetime)}`, { session: { lifetime } }]),
    ['an idle lifetime that rounds down to nothing (better-auth#10992)', { session: { idleLifetime: '300ms' } }],
    ['a clock tolerance of an hour', { clockTolerance: '1h' }],
    ['a store timeout of nothing', { storeTimeout: 0 }],
    ['an access token lifetime without refresh tokens', { accessToken: { lifetime: '5m' } }],
    ['an access token lifetime of nothing', { refreshToken, accessToken: { lifetime: 0 } }],
    ['an access token lifetime of null', { refreshToken, accessToken: { lifetime: null } }],
    ['a jitter above half the lifetime', { refreshToken, accessToken: { lifetime: '5m', jitter: '151s' } }],
    ['an unknown access token option', { refreshToken, accessToken: { ttl: '5m' } }],
    ['access token options of null', { refreshToken, accessToken: null }],
    ['refresh token options of null', { refreshToken: null }],
    ['refresh token options without a secret', { refreshToken: {} }],
    ['an unknown refresh token option', { refreshToken: { ...refreshToken, rotate: false } }],
    ['a refresh secret of 31 bytes', { refreshToken: { secret: 'x'.repeat(31) } }],
    ['a refresh secret that is no secret', { refreshToken: { secret: 5 } }],
    ['no refresh secret of a list', { refreshToken: { secret: [] } }],
    ['the same refresh secret twice', { refreshToken: { secret: [refreshToken.secret, refreshToken.secret] } }],
    ['a grace of nothing, which would log out two tabs', { refreshToken: { ...refreshToken, grace: 0 } }],
    ['a grace of a day', { refreshToken: { ...refreshToken, grace: '1d' } }],
    ['an unknown answer to reuse', { refreshToken: { ...refreshToken, onReuse: 'ignore' } }],
    ['an unknown receiver of re-deliveries', { refreshToken: { ...refreshToken, redeliverTo: 'nobody' } }],
  ]
  test.each(wrong)('refuses %s with a TypeError', (_, changes) => {
    expect(() => createSessions(given(changes))).toThrow(TypeError)
  })

  test('refuses what is no object', () => {
    for (const options of [undefined, null, 5, []]) {
      expect(() => createSessions(options as unknown as SessionsOptions)).toThrow(TypeError)
    }
  })

  test('takes durations as text and as milliseconds', async () => {
    const sessions = createSessions(given({ session: { lifetime: 90_000, idleLifetime: '1m' } }))
    const { session } = await sessions.create({ userId: 'a' })
    expect(session.expiresAt.getTime() - session.createdAt.getTime()).toBe(90_000)
    expect(session.idleExpiresAt.getTime() - session.createdAt.getTime()).toBe(60_000)
  })

  test('has no verb left when it is closed', async () => {
    const sessions = createSessions(given({}))
    const { accessToken } = await sessions.create({ userId: 'a' })
    await sessions.close()
    await sessions.close()
    await expect(sessions.verify(accessToken)).rejects.toBeInstanceOf(TypeError)
    await expect(sessions.revokeAll('a')).rejects.toBeInstanceOf(TypeError)
  })
})

describe('create and verify', () => {
  const wrong: [string, object][] = [
    ['an unknown option', { user: 'a' }],
    ['a version that is no count', { expectedTokenVersion: '0' }],
    ['a negative version', { expectedTokenVersion: -1 }],
    ['an audience that was not configured', { audience: 'https://other.example' }],
    ['no audience of a list', { audience: [] }],
    ['a lifetime without end', { lifetime: Number.POSITIVE_INFINITY }],
    ['an idle lifetime of nothing', { idleLifetime: '0s' }],
    ['an amr that is a number', { amr: [5] }],
    ['an amr that is no list', { amr: 'pwd' }],
    ['an acr that is empty', { acr: '' }],
  ]
  test.each(wrong)('refuse %s with a TypeError and write nothing', async (_, changes) => {
    const sessions = createSessions(given({}))
    await expect(sessions.create({ userId: 'a', ...changes })).rejects.toBeInstanceOf(TypeError)
    expect(await sessions.list('a')).toEqual([])
  })

  test('a token is for the audiences chosen at create, and verify takes what it is asked to take (ASVS 9.2.3, 9.2.4, 10.3.1)', async () => {
    const sessions = createSessions(given({}))
    const [api, admin] = base.audience as [string, string]
    const both = await sessions.create({ userId: 'a' })
    const one = await sessions.create({ userId: 'a', audience: api })
    expect(one.session.audience).toEqual([api])
    expect(await codeOf(sessions.verify(both.accessToken, { audience: admin }))).toBe('accepted')
    expect(await codeOf(sessions.verify(one.accessToken, { audience: api }))).toBe('accepted')
    expect(await codeOf(sessions.verify(one.accessToken))).toBe('accepted')
    expect(await codeOf(sessions.verify(one.accessToken, { audience: admin }))).toBe('token_invalid')
    await expect(sessions.verify(one.accessToken, { audience: 'https://other.example' })).rejects.toBeInstanceOf(
      TypeError,
    )
    await expect(sessions.verify(one.accessToken, { staleness: '5s' } as object)).rejects.toBeInstanceOf(TypeError)
  })

  test('an app that changes the list of a session it was given changes nothing else', async () => {
    const sessions = createSessions(given({}))
    const { session } = await sessions.create({ userId: 'a' })
    expect(() => (session.audience as string[]).push('https://other.example')).toThrow(TypeError)
    const other = sessions.create({ userId: 'a', audience: 'https://other.example' })
    await expect(other).rejects.toBeInstanceOf(TypeError)
  })

  test('a token of another issuer with the same keys and rows is refused (ASVS 10.3.3)', async () => {
    const store = memoryStore()
    const [one, other] = [
      createSessions(given({ store })),
      createSessions(given({ store, issuer: 'https://other.example' })),
    ]
    const { accessToken } = await one.create({ userId: 'a' })
    expect(await codeOf(other.verify(accessToken))).toBe('token_invalid')
  })

  test('no two logins share a sid, a jti or a token (ASVS 7.2.2)', async () => {
    const sessions = createSessions(given({}))
    const logins = await Promise.all(Array.from({ length: 200 }, () => sessions.create({ userId: 'a' })))
    const verified = await Promise.all(logins.map(({ accessToken }) => sessions.verify(accessToken)))
    for (const name of ['sid', 'jti'] as const) expect(new Set(verified.map((one) => one[name])).size).toBe(200)
    expect(new Set([...verified.map(({ sid }) => sid), ...verified.map(({ jti }) => jti)]).size).toBe(400)
  })
})

describe('verbs of wrong use', () => {
  const sessions = createSessions(given({}))
  const calls: [string, () => Promise<unknown>][] = [
    ['list with an unknown option', () => sessions.list('a', { currentSid: 'x' } as object)],
    ['list with a current that is no text', () => sessions.list('a', { current: 5 as unknown as string })],
    ['list without a limit', () => sessions.list('a', { limit: 0 })],
    ['list beyond the limit', () => sessions.list('a', { limit: 1_001 })],
    ['list after something else', () => sessions.list('a', { after: {} as { sid: string; createdAt: Date } })],
    ['list after an invalid date', () => sessions.list('a', { after: { sid: 'x', createdAt: new Date(Number.NaN) } })],
    ['revoke of a sid that is no text', () => sessions.revoke('a', 5 as unknown as string)],
    ['revoke with an unknown option', () => sessions.revoke('a', 'x', { trx: 1 } as object)],
    ['revoke for an empty reason', () => sessions.revoke('a', 'x', { reason: '' })],
    ['revoke for a long reason', () => sessions.revoke('a', 'x', { reason: 'x'.repeat(65) })],
    ['revoke by an actor that is no text', () => sessions.revoke('a', 'x', { actor: 5 as unknown as string })],
    ['revokeOthers without a sid', () => sessions.revokeOthers('a', undefined as unknown as string)],
    ['revokeOthers of a sid that can be none', () => sessions.revokeOthers('a', 'not a sid')],
    ['rename to what is no text', () => sessions.rename('a', 'x', null as unknown as string)],
    ['rename with an unknown option', () => sessions.rename('a', 'x', 'y', { name: 'z' } as object)],
    ['suspend until what is no date', () => sessions.suspend('a', { until: '2030' as unknown as Date })],
    ['suspend until now', () => sessions.suspend('a', { until: new Date() })],
    ['create of nothing', () => sessions.create(undefined as never)],
    ['create of a number', () => sessions.create(42 as never)],
    ['suspend until an invalid date', () => sessions.suspend('a', { until: new Date(Number.NaN) })],
    ['reinstate until', () => sessions.reinstate('a', { until: new Date() } as object)],
    ['prune without batches', () => sessions.prune({ batchSize: 0 })],
    ['prune of half a row', () => sessions.prune({ batchSize: 1.5 })],
    ['prune without retention', () => sessions.prune({ eventRetention: 0 })],
    ['tokenVersion with an unknown option', () => sessions.tokenVersion('a', { fresh: true } as object)],
    ['on without a listener', async () => sessions.on('revoked', undefined as unknown as () => void)],
    ['on of an unknown event', async () => sessions.on('__proto__' as 'revoked', () => {})],
  ]
  test.each(calls)('%s is a TypeError', async (_, call) => {
    await expect(call()).rejects.toBeInstanceOf(TypeError)
  })
})

describe('conflicts with other transactions', () => {
  const conflicting = (times: number): { store: Store; calls: () => number } => {
    let calls = 0
    const memory = memoryStore()
    const raiseVersion: Store['raiseVersion'] = (...given) =>
      (calls += 1) <= times ? Promise.reject(new RollcallError('transaction_conflict')) : memory.raiseVersion(...given)
    return { store: { ...memory, raiseVersion, assertTransaction: () => {} }, calls: () => calls }
  }

  test('are tried again a bounded number of times, then they are an outage', async () => {
    for (const [times, code] of [
      [4, 'accepted'],
      [5, 'store_unavailable'],
    ] as const) {
      const { store, calls } = conflicting(times)
      expect(await codeOf(createSessions(given({ store })).revokeAll('a'))).toBe(code)
      expect(calls()).toBe(5)
    }
  })

  test("are left to the caller in the caller's transaction", async () => {
    const { store, calls } = conflicting(1)
    const call = createSessions(given({ store })).revokeAll('a', { transaction: {} as never })
    expect(await codeOf(call)).toBe('transaction_conflict')
    expect(calls()).toBe(1)
  })
})

describe('storeTimeout', () => {
  test('bounds a verb whose store never answers, on the injected clock', async () => {
    let fire = (): void => {}
    const clock = {
      wall: () => 0,
      after: (ms: number, callback: () => void) => (expect(ms).toBe(250), (fire = callback), () => {}),
    }
    let signal: AbortSignal | undefined
    const store = {
      ...memoryStore(),
      readUser: (_: string, scope: { signal?: AbortSignal | undefined }) => (
        (signal = scope.signal),
        new Promise<never>(() => {})
      ),
    }
    const sessions = createSessions(given({ store, clock, storeTimeout: '250ms' }))
    const call = codeOf(sessions.tokenVersion('a'))
    fire()
    expect(await call).toBe('store_unavailable')
    expect(signal?.aborted).toBe(true)
  })
})
