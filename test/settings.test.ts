import { Redis } from 'ioredis'
import { createClient } from 'redis'
import { describe, expect, expectTypeOf, test } from 'vitest'
import { memoryStore } from '../src/memory-store.js'
import type { Bus } from '../src/ports/bus.js'
import type { Store } from '../src/ports/store.js'
import { createSessions, type Sessions } from '../src/sessions.js'
import type { RefreshTokenOptions, SessionsOptions } from '../src/settings.js'
import { createFakeClock } from './conformance/fake-clock.js'
import { codeOf } from './conformance/harness.js'
import { base } from './support/given.js'

const secret = 'r'.repeat(32)
const common = { ...base, store: memoryStore() }
const isOn = (): boolean => secret.length > 99

describe('the type of a refresh token', () => {
  type Pair<Verbs extends Pick<Sessions, 'create'>> = Awaited<ReturnType<Verbs['create']>>

  test('is text where refresh tokens are configured', async () => {
    const sessions = createSessions({ ...common, refreshToken: { secret } })
    const pair = await sessions.create({ userId: 'a' })
    expectTypeOf(pair.refreshToken).toEqualTypeOf<string>()
    expectTypeOf(pair.refreshTokenExpiresAt).toEqualTypeOf<Date>()
    expectTypeOf(sessions).toExtend<Sessions>()
  })

  test('may be null where they are not, or where only the program knows', async () => {
    const maybe: RefreshTokenOptions | undefined = isOn() ? { secret } : undefined
    const prebuilt: SessionsOptions = { ...common, ...(isOn() ? { refreshToken: { secret } } : {}) }
    const all = [
      createSessions(common),
      createSessions({ ...common, ...(isOn() ? { refreshToken: { secret } } : {}) }),
      createSessions({ ...common, refreshToken: isOn() ? { secret } : undefined }),
      createSessions({ ...common, refreshToken: maybe }),
      createSessions({ ...common, ...(maybe && { refreshToken: maybe }) }),
      createSessions(isOn() ? { ...common, refreshToken: { secret } } : common),
      createSessions(prebuilt),
    ] as const
    expectTypeOf<Pair<(typeof all)[number]>['refreshToken']>().toEqualTypeOf<string | null>()
    for (const sessions of all) expect((await sessions.create({ userId: 'a' })).refreshToken).toBeNull()
  })

  test('goes with the type of the claims, and misspelt options are refused by the compiler', async () => {
    const sessions = createSessions({ ...common, refreshToken: { secret }, claims: () => ({ role: 'admin' as const }) })
    const { accessToken, refreshToken } = await sessions.create({ userId: 'a' })
    expectTypeOf(refreshToken).toEqualTypeOf<string>()
    expectTypeOf((await sessions.verify(accessToken)).claims.role).toEqualTypeOf<'admin'>()
    // @ts-expect-error there is no such option
    expect(() => createSessions({ ...common, refreshToken: { secret, gracePeriod: '1m' } })).toThrow(TypeError)
  })
})

test('status() tells the lifetimes in force: the defaults, what was set, and no access token of its own in single-token mode (ASVS 7.1.1)', () => {
  const [minute, hour, day] = [60_000, 3_600_000, 86_400_000]
  const lifetimesOf = (options: object): unknown => createSessions({ ...common, ...options }).status().lifetimes
  expect(lifetimesOf({})).toEqual({ accessToken: null, session: 30 * day, idle: 7 * day })
  expect(lifetimesOf({ refreshToken: { secret } })).toEqual({
    accessToken: 10 * minute,
    session: 30 * day,
    idle: 7 * day,
  })
  const set = { accessToken: { lifetime: '5m' }, session: { lifetime: '12h', idleLifetime: '15m' } }
  expect(lifetimesOf({ refreshToken: { secret }, ...set })).toEqual({
    accessToken: 5 * minute,
    session: 12 * hour,
    idle: 15 * minute,
  })
})

describe('the lifetime of an access token', () => {
  test('is shorter by a part of the jitter, and the same for a token that is delivered again', async () => {
    const clock = createFakeClock()
    const accessToken = { lifetime: '10m', jitter: '5m' } as const
    const sessions = createSessions({ ...common, clock, accessToken, refreshToken: { secret } })
    const lifetimes = new Set<number>()
    for (let count = 0; count < 50; count += 1) {
      const { refreshToken, expiresAt } = await sessions.create({ userId: 'jitter' })
      const lifetime = expiresAt.getTime() - clock.wall()
      expect(lifetime).toBeGreaterThanOrEqual(299_000)
      expect(lifetime).toBeLessThanOrEqual(600_000)
      expect((await sessions.refresh(refreshToken)).expiresAt).toEqual(expiresAt)
      lifetimes.add(lifetime)
    }
    expect(lifetimes.size).toBeGreaterThan(20)
  })

  test('never ends before it begins, however short it is and however late in the second', async () => {
    const clock = createFakeClock()
    const sessions = createSessions({
      ...common,
      clock,
      clockTolerance: 0,
      accessToken: { lifetime: '1s' },
      refreshToken: { secret },
    })
    for (let count = 0; count < 20; count += 1) {
      clock.advance(53)
      const { accessToken } = await sessions.create({ userId: 'short' })
      expect(await codeOf(sessions.verify(accessToken))).toBe('accepted')
    }
  })

  test('never outlives the session (ASVS 7.3.2)', async () => {
    const sessions = createSessions({ ...common, refreshToken: { secret } })
    const { expiresAt, session } = await sessions.create({ userId: 'a', lifetime: '1m' })
    expect(expiresAt.getTime()).toBeLessThanOrEqual(session.expiresAt.getTime())
  })
})

test.each([
  { pollInterval: 9 },
  { pollInterval: '2m' },
  { window: 999 },
  { window: '11m' },
  { interval: '1s' },
  { heartbeat: 99 },
  { bus: {} },
  { bus: null },
  null,
  true,
])('the outbox %j is a TypeError', (outbox) => {
  expect(() => createSessions({ ...common, outbox: outbox as object })).toThrow(TypeError)
})

test('a client is no bus', () => {
  for (const bus of [new Redis({ lazyConnect: true }), createClient(), null, {}, () => {}, 'redis://localhost'])
    expect(() => createSessions({ ...common, outbox: { bus: bus as unknown as Bus } })).toThrow('must be a bus')
})

test('an outbox needs a store whose events can be read', () => {
  const { readEvents: _, ...store } = memoryStore()
  expect(() => createSessions({ ...common, store: store as Store, outbox: {} })).toThrow('readEvents')
})

test('events need a store whose events can be read by user', async () => {
  const { readUserEvents: _, ...store } = memoryStore()
  const sessions = createSessions({ ...common, store: store as Store })
  await expect(sessions.events('ann')).rejects.toThrow(
    new TypeError('events needs a store whose events can be read by user: it has no readUserEvents'),
  )
})
