import { describe, expect, expectTypeOf, test } from 'vitest'
import { createSessions } from '../src/sessions.js'
import { codeOf } from './conformance/harness.js'
import { given } from './support/given.js'

describe('custom claims', () => {
  test('come back from verify with the type that the callback gave them', async () => {
    const sessions = createSessions({
      ...given({}),
      claims: async ({ userId, session }) => ({
        role: 'admin' as const,
        tenant: { id: 7, tags: ['x'] },
        userId,
        since: session.createdAt.getTime(),
      }),
    })
    const { accessToken, session } = await sessions.create({ userId: 'a' })
    const { claims } = await sessions.verify(accessToken)
    expectTypeOf(claims).toEqualTypeOf<{
      role: 'admin'
      tenant: { id: number; tags: string[] }
      userId: string
      since: number
    }>()
    expect(claims).toEqual({
      role: 'admin',
      tenant: { id: 7, tags: ['x'] },
      userId: 'a',
      since: session.createdAt.getTime(),
    })
  })

  test('are none without a callback, and their type says so', async () => {
    const sessions = createSessions(given({}))
    const { claims } = await sessions.verify((await sessions.create({ userId: 'a' })).accessToken)
    expectTypeOf(claims).toEqualTypeOf<Record<never, never>>()
    expect(claims).toEqual({})
  })

  test('that JSON would change are refused by the compiler', () => {
    createSessions({ ...given({}), claims: () => ({ role: 'admin', missing: undefined as string | undefined }) })
    // @ts-expect-error a Date comes back as text
    createSessions({ ...given({}), claims: () => ({ at: new Date() }) })
    // @ts-expect-error a bigint has no JSON
    createSessions({ ...given({}), claims: () => ({ id: 1n }) })
  })

  test.each([
    'iss',
    'sub',
    'aud',
    'exp',
    'nbf',
    'iat',
    'jti',
    'sid',
    'tokenVersion',
    'auth_time',
    'amr',
    'acr',
    'cnf',
    'act',
    'client_id',
  ])('of the registered name %s are a TypeError, and no session is left behind', async (name) => {
    const sessions = createSessions({ ...given({}), claims: () => ({ [name]: 'x' }) })
    await expect(sessions.create({ userId: 'a' })).rejects.toBeInstanceOf(TypeError)
    expect(await sessions.list('a')).toEqual([])
  })

  test.each([null, undefined, 'role', 5, []])('that are %j are a TypeError', async (value) => {
    const sessions = createSessions({ ...given({}), claims: (() => value) as unknown as () => Record<string, string> })
    await expect(sessions.create({ userId: 'a' })).rejects.toBeInstanceOf(TypeError)
  })

  test.each([
    ['a Date', { at: new Date() }],
    ['a Map', { tags: new Map() }],
    ['NaN', { score: Number.NaN }],
    ['a bigint', { id: 1n }],
    ['a function', { toJSON: () => ({ role: 'x' }) }],
    ['a class of the app', { tenant: new URL('https://tenant.example') }],
    ['a Date further down', { list: [{ at: new Date() }] }],
  ])('that JSON would change (%s) are a TypeError', async (_, value) => {
    const sessions = createSessions({ ...given({}), claims: (() => value) as unknown as () => Record<string, string> })
    await expect(sessions.create({ userId: 'a' })).rejects.toBeInstanceOf(TypeError)
  })

  test('that contain themselves are a TypeError', async () => {
    const value: Record<string, unknown> = {}
    value['self'] = value
    const sessions = createSessions({ ...given({}), claims: (() => value) as unknown as () => Record<string, string> })
    await expect(sessions.create({ userId: 'a' })).rejects.toBeInstanceOf(TypeError)
  })

  test('that would make a token too large are a TypeError, and no session is left behind (rancher#53216)', async () => {
    const sessions = createSessions({ ...given({}), claims: () => ({ text: 'x'.repeat(4_500) }) })
    await expect(sessions.create({ userId: 'a' })).rejects.toBeInstanceOf(TypeError)
    expect(await sessions.list('a')).toEqual([])
  })

  test('that are as large as they may be are verified', async () => {
    const sessions = createSessions({ ...given({}), claims: () => ({ text: 'x'.repeat(4_000) }) })
    const { accessToken } = await sessions.create({ userId: 'a' })
    expect(accessToken.length).toBeLessThan(8_192)
    expect(await codeOf(sessions.verify(accessToken))).toBe('accepted')
  })

  test('whose callback fails leave no session behind, and the failure is the caller’s own', async () => {
    const failure = new Error('users table is away')
    const sessions = createSessions({ ...given({}), claims: () => Promise.reject<Record<string, string>>(failure) })
    await expect(sessions.create({ userId: 'a' })).rejects.toBe(failure)
    expect(await sessions.list('a')).toEqual([])
  })

  test('named like members of every object are claims like any other', async () => {
    const sessions = createSessions({
      ...given({}),
      claims: () => ({ constructor: 'x', toString: 'y', hasOwnProperty: 'z' }),
    })
    const { claims } = await sessions.verify((await sessions.create({ userId: 'a' })).accessToken)
    expect(claims).toEqual({ constructor: 'x', toString: 'y', hasOwnProperty: 'z' })
    expect(({} as { role?: string }).role).toBeUndefined()
  })
})
