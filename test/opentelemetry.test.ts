import { createNoopMeter, type Meter } from '@opentelemetry/api'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { memoryStore } from '../src/memory-store.js'
import { instrument } from '../src/opentelemetry.js'
import { createSessions, type Sessions } from '../src/sessions.js'
import { createKeyRing } from '../src/tokens/key-ring.js'
import type { SessionsOptions } from '../src/settings.js'
import { codeOf } from './conformance/harness.js'
import { createLocalBus } from './support/local-bus.js'
import { collectMetrics, type Series } from './support/metrics.js'

const secret = 'a secret of thirty-two bytes or more'
const open = async (
  options: Partial<Pick<SessionsOptions, 'outbox' | 'store'>> = {},
): Promise<Sessions<Record<never, never>, never, string>> =>
  createSessions({
    store: memoryStore(),
    keys: await createKeyRing({ secret }),
    issuer: 'https://issuer.example',
    audience: 'https://api.example',
    refreshToken: { secret },
    freshness: { maxStaleness: '5s' },
    ...options,
  })

describe('instrument', () => {
  let metrics: ReturnType<typeof collectMetrics>
  beforeEach(() => {
    metrics = collectMetrics()
  })
  afterEach(() => metrics.close())

  const valueOf = (series: readonly Series[], name: string, attributes: object = {}): number | undefined =>
    series.find(
      (one) => one.name === `rollcall.${name}` && JSON.stringify(one.attributes) === JSON.stringify(attributes),
    )?.value

  test('measures every verb by how it ended, with codes and sources and nothing that names anybody (ASVS 16.2.5)', async () => {
    const sessions = instrument(await open(), { meter: metrics.meter })
    const { accessToken, refreshToken, session } = await sessions.create({ userId: 'alice' })
    await sessions.verify(accessToken)
    await sessions.verify(accessToken)
    await sessions.refresh(refreshToken)
    await sessions.list('alice')
    await sessions.revoke('alice', session.sid)
    expect(await codeOf(sessions.verify(accessToken))).toBe('session_ended')
    expect(await codeOf(sessions.verify('x'))).toBe('token_malformed')
    await expect(sessions.revokeAll('')).rejects.toThrow(TypeError)

    const series = await metrics.collect()
    const count = (attributes: object): number | undefined => valueOf(series, 'verb.duration', attributes)
    expect(count({ 'rollcall.verb': 'create' })).toBe(1)
    expect(count({ 'rollcall.verb': 'verify', 'rollcall.source': 'store' })).toBe(1)
    expect(count({ 'rollcall.verb': 'verify', 'rollcall.source': 'cache' })).toBe(1)
    expect(count({ 'rollcall.verb': 'verify', 'error.type': 'session_ended' })).toBe(1)
    expect(count({ 'rollcall.verb': 'verify', 'error.type': 'token_malformed' })).toBe(1)
    expect(count({ 'rollcall.verb': 'refresh', 'rollcall.outcome': 'unchanged' })).toBe(1)
    expect(count({ 'rollcall.verb': 'list' })).toBe(1)
    expect(count({ 'rollcall.verb': 'revokeAll', 'error.type': 'TypeError' })).toBe(1)
    expect(valueOf(series, 'revocations', { 'rollcall.scope': 'session' })).toBe(1)
    expect(JSON.stringify(series)).not.toMatch(new RegExp(`alice|${session.sid}|${accessToken}|${refreshToken}`))
  })

  test('tells what status() tells, in seconds and bytes', async () => {
    const sessions = instrument(await open(), { meter: metrics.meter })
    const { accessToken } = await sessions.create({ userId: 'alice' })
    await sessions.verify(accessToken)
    const { accessTokens, reads } = sessions.status()
    const series = await metrics.collect()
    expect(valueOf(series, 'tokens.kept')).toBe(1)
    expect(valueOf(series, 'tokens.size')).toBe(accessTokens.bytes)
    expect(valueOf(series, 'tokens.misses')).toBe(accessTokens.misses)
    expect(valueOf(series, 'sessions.kept')).toBe(1)
    expect(valueOf(series, 'reads.statements')).toBe(reads.batches)
    expect(valueOf(series, 'reads.sessions')).toBe(1)
    expect(valueOf(series, 'reads.waiting')).toBe(0)
    expect(valueOf(series, 'max_staleness')).toBe(5)
    expect(valueOf(series, 'weakened')).toBe(1)
    expect(valueOf(series, 'outbox.age')).toBeUndefined()
    expect(valueOf(series, 'bus.up')).toBeUndefined()
    expect(series.find(({ name }) => name === 'rollcall.sessions.oldest')).toMatchObject({ unit: 's' })
  })

  test('tells of the reader of the events and of the bus, where there are', async () => {
    const [bus, store] = [createLocalBus(), memoryStore()]
    const sessions = instrument(await open({ outbox: { bus }, store }), { meter: metrics.meter })
    await expect.poll(() => sessions.status().outbox!.bus!.isUp).toBe(true)
    await sessions.revokeAll('alice')
    const there = await open({ outbox: { bus }, store })
    await there.revokeAll('bob')
    await expect.poll(() => sessions.status().outbox!.position).toBe(2)
    await there.close()
    const series = await metrics.collect()
    expect(valueOf(series, 'outbox.position')).toBe(2)
    // What another process ended, that one counts.
    expect(valueOf(series, 'revocations', { 'rollcall.scope': 'all' })).toBe(1)
    expect(valueOf(series, 'outbox.age')).toBeGreaterThanOrEqual(0)
    expect(valueOf(series, 'bus.up')).toBe(1)
    expect(valueOf(series, 'bus.lost')).toBe(0)
    for (const name of ['bus.lag', 'bus.last_heard']) expect(valueOf(series, name)).toBeLessThan(60)
    await sessions.close()
  })

  test('counts what is wrong in the background', async () => {
    const plain = await open()
    const sessions = instrument(plain, { meter: metrics.meter })
    await sessions.create({ userId: 'alice' })
    plain.on('revoked', () => {
      throw new Error('a listener of the app')
    })
    await sessions.revokeAll('alice')
    const series = await metrics.collect()
    expect(valueOf(series, 'background_errors', { 'rollcall.during': 'listener' })).toBe(1)
  })

  test('ends with close: the reader asks a closed object nothing, and no event is counted', async () => {
    const plain = await open()
    const sessions = instrument(plain, { meter: metrics.meter })
    await sessions.create({ userId: 'alice' })
    await sessions.close()
    const series = await metrics.collect()
    expect(valueOf(series, 'tokens.kept')).toBeUndefined()
    expect(valueOf(series, 'verb.duration', { 'rollcall.verb': 'create' })).toBe(1)
  })

  test('begins when the app sets its provider, however early it was called', async () => {
    const sessions = instrument(await open())
    await sessions.create({ userId: 'before' })
    const late = collectMetrics('globally')
    const { accessToken } = await sessions.create({ userId: 'alice' })
    await sessions.verify(accessToken)
    const series = await late.collect()
    expect(valueOf(series, 'verb.duration', { 'rollcall.verb': 'create' })).toBe(1)
    expect(valueOf(series, 'sessions.kept')).toBe(1)
    await sessions.revokeAll('alice')
    expect(valueOf(await late.collect(), 'revocations', { 'rollcall.scope': 'all' })).toBe(1)
    await late.close()
  })

  test('without a provider behaves as the plain verbs do', async () => {
    const sessions = instrument(await open())
    const { accessToken } = await sessions.create({ userId: 'alice' })
    expect((await sessions.verify(accessToken)).userId).toBe('alice')
    expect(await codeOf(sessions.verify('x'))).toBe('token_malformed')
    await sessions.close()
  })

  test('passes on no name of an error of the app, which may hold anything', async () => {
    const plain = createSessions({
      store: memoryStore(),
      keys: await createKeyRing({ secret }),
      issuer: 'https://issuer.example',
      audience: 'https://api.example',
      claims: () => {
        throw Object.assign(new Error('denied'), { name: 'Denied(alice@example.com)' })
      },
    })
    const sessions = instrument(plain, { meter: metrics.meter })
    await expect(sessions.create({ userId: 'alice' })).rejects.toThrow('denied')
    const series = await metrics.collect()
    expect(valueOf(series, 'verb.duration', { 'rollcall.verb': 'create', 'error.type': '_OTHER' })).toBe(1)
    expect(JSON.stringify(series)).not.toContain('alice')
  })

  test('a meter that fails fails no verb', async () => {
    const createHistogram = (): object => ({
      record: () => {
        throw new Error('exporter broke')
      },
    })
    const broken = Object.assign(createNoopMeter(), { createHistogram }) as Meter
    const sessions = instrument(await open(), { meter: broken })
    const { accessToken } = await sessions.create({ userId: 'alice' })
    expect((await sessions.verify(accessToken)).userId).toBe('alice')
    expect(await codeOf(sessions.verify('x'))).toBe('token_malformed')
  })

  test('calls the verbs of an object that needs its own this', async () => {
    class Own {
      readonly #answer = 3
      on = (): (() => void) => () => {}
      status(): object {
        return {}
      }
      async tokenVersion(): Promise<number> {
        return this.#answer
      }
    }
    const sessions = instrument(new Own() as unknown as Sessions, { meter: metrics.meter })
    expect(await sessions.tokenVersion('alice')).toBe(3)
  })

  test('refuses an option that is none', async () => {
    const plain = await open()
    // @ts-expect-error: there is no such option
    expect(() => instrument(plain, { metre: metrics.meter })).toThrow(TypeError)
  })
})
