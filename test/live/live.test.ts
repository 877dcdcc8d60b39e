import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { memoryStore } from '../../src/memory-store.js'
import type { Store } from '../../src/ports/store.js'
import { createSessions, type Sessions } from '../../src/sessions.js'
import type { SessionsOptions } from '../../src/settings.js'
import { createKeyRing, type KeyRing } from '../../src/tokens/key-ring.js'
import { createFakeClock, type FakeClock } from '../conformance/fake-clock.js'
import { createLocalBus } from '../support/local-bus.js'
import { serve, type Client, type Handshake, type Kind, type LiveServer } from './clients.js'

type Verbs = Sessions<Record<never, never>, never, string>

let store: Store
let keys: KeyRing
let clock: FakeClock
let opened: { close(): Promise<void> }[]
beforeEach(async () => {
  store = memoryStore()
  keys = await createKeyRing({ secret: 'a secret of thirty-two bytes or more' })
  clock = createFakeClock()
  opened = []
})
afterEach(async () => {
  for (const each of opened.toReversed()) await each.close()
})

function open(options: Partial<SessionsOptions> = {}): Verbs {
  const refreshToken = { secret: 'another secret of thirty-two bytes' }
  const sessions = createSessions({ store, keys, clock, issuer: 'i', audience: 'a', refreshToken, ...options }) as Verbs
  opened.push(sessions)
  return sessions
}

describe.each(['ws', 'Socket.IO'] as const)('live connections by %s', (kind: Kind) => {
  async function start(
    sessions: Sessions,
    options: Parameters<typeof serve>[2] = { from: 'either' },
  ): Promise<LiveServer> {
    const server = await serve(kind, sessions, { clock, ...options })
    opened.push(server)
    return server
  }

  async function codeOf(connecting: Promise<Client>): Promise<string> {
    return connecting.then(
      () => 'open',
      (error: Error) => error.message,
    )
  }

  test('know who they are from, by token, header and cookie', async () => {
    const sessions = open()
    const server = await start(sessions)
    const { accessToken: token } = await sessions.create({ userId: 'ann' })
    const own = { origin: server.url }
    const handshakes: Handshake[] = [
      { token },
      { headers: { authorization: `Bearer ${token}` } },
      { cookie: `__Host-rollcall-access=${token}`, headers: own },
      { cookie: `__Host-rollcall-access=${token}`, headers: { 'sec-fetch-site': 'same-origin' } },
    ]
    for (const handshake of handshakes) {
      const client = await server.connect(handshake)
      expect(await client.ask('who')).toBe('ann')
      client.leave()
    }
  })

  test('are refused with the code of a guard, and never by the address (ASVS 14.2.1)', async () => {
    const sessions = open()
    const server = await start(sessions)
    const { accessToken: token, refreshToken, session } = await sessions.create({ userId: 'ann' })
    const ended = await sessions.create({ userId: 'ben' })
    await sessions.revokeAll('ben')
    const refused: [Handshake, string][] = [
      [{}, '401 token_missing'],
      [{ query: `?token=${token}&access_token=${token}` }, '401 token_missing'],
      [{ token: 'forged' }, '401 token_malformed'],
      [{ token: refreshToken }, '401 token_malformed'],
      [{ token: ended.accessToken }, '401 session_ended'],
      [{ headers: { authorization: 'Bearer' } }, '400 invalid_request'],
    ]
    for (const [handshake, code] of refused)
      expect([handshake, await codeOf(server.connect(handshake))]).toEqual([handshake, code])
    const lookup = store.lookup
    Object.assign(store, { lookup: () => Promise.reject(new Error('connection lost')) })
    expect(await codeOf(server.connect({ token }))).toBe('503 store_unavailable')
    Object.assign(store, { lookup })
    expect([server.size(), session.sid.length]).toEqual([0, 22])
  })

  test('by cookie are refused to pages of other sites, which no browser asks before it connects', async () => {
    const sessions = open()
    const server = await start(sessions, { from: 'cookie', allowedOrigins: ['https://friend.example'] })
    const { accessToken: token } = await sessions.create({ userId: 'ann' })
    const cookie = `__Host-rollcall-access=${token}`
    for (const headers of [
      {},
      { origin: 'https://evil.example' },
      { origin: 'null' },
      { 'sec-fetch-site': 'cross-site' },
    ])
      expect(await codeOf(server.connect({ cookie, headers }))).toBe('403 cross_site_request')
    const friend = await server.connect({ cookie, headers: { origin: 'https://friend.example' } })
    expect(friend.isOpen()).toBe(true)
    expect(await codeOf(server.connect({ token }))).toBe('401 token_missing')
    friend.leave()
  })

  test('of a device end on both processes when it is logged out on one; the others stay', async () => {
    const bus = createLocalBus()
    const outbox = { bus, pollInterval: '1s' } as const
    const [here, there] = [open({ outbox }), open({ outbox })]
    const servers = [await start(here), await start(there)]
    await expect.poll(() => [here, there].map((each) => each.status().outbox!.bus!.isUp)).toEqual([true, true])
    const [phone, laptop] = [await here.create({ userId: 'ann' }), await here.create({ userId: 'ann' })]
    const connect = (token: string): Promise<Client[]> =>
      Promise.all([...servers, ...servers, ...servers].map((server) => server.connect({ token })))
    const [onPhone, onLaptop] = [await connect(phone.accessToken), await connect(laptop.accessToken)]
    await here.revoke('ann', phone.session.sid)
    expect(await Promise.all(onPhone.map(({ ended }) => ended))).toEqual(onPhone.map(() => 'session_ended'))
    expect(onLaptop.map((client) => client.isOpen())).toEqual(onLaptop.map(() => true))
    await expect.poll(() => servers.map((server) => server.size())).toEqual([3, 3])
    await there.suspend('ann')
    expect(new Set(await Promise.all(onLaptop.map(({ ended }) => ended)))).toEqual(new Set(['user_suspended']))
    expect([here, there].map((each) => each.status().watched)).toEqual([0, 0])
  })

  test('stay over a rotation', async () => {
    const sessions = open()
    const server = await start(sessions)
    const { accessToken: token, refreshToken } = await sessions.create({ userId: 'ann' })
    const client = await server.connect({ token })
    clock.advance(60_000)
    await sessions.refresh(refreshToken)
    expect(await client.ask('who')).toBe('ann')
  })

  test('take a newer token of the same session, and no other', async () => {
    const sessions = open()
    const server = await start(sessions)
    const [pair, own, foreign] = [
      await sessions.create({ userId: 'ann' }),
      await sessions.create({ userId: 'ann' }),
      await sessions.create({ userId: 'ben' }),
    ]
    const client = await server.connect({ token: pair.accessToken })
    clock.advance(60_000)
    const next = await sessions.refresh(pair.refreshToken)
    expect(await client.ask(`renew ${next.accessToken}`)).toBe(next.expiresAt.toJSON())
    expect(await client.ask(`renew ${own.accessToken}`)).toBe('token_invalid')
    expect(await client.ask(`renew ${foreign.accessToken}`)).toBe('token_invalid')
    expect(await client.ask('renew x')).toBe('token_malformed')
    expect(await client.ask('who')).toBe('ann')
  })

  test('end with their access token where that is asked for, unless they are given a newer one', async () => {
    const sessions = open({ accessToken: { lifetime: '10s', jitter: 0 } })
    const server = await start(sessions, { from: 'bearer', untilTokenExpires: true })
    const [kept, left] = [await sessions.create({ userId: 'ann' }), await sessions.create({ userId: 'ann' })]
    const [renewed, forgotten] = [
      await server.connect({ token: kept.accessToken }),
      await server.connect({ token: left.accessToken }),
    ]
    clock.advance(9_000)
    const { accessToken } = await sessions.refresh(kept.refreshToken)
    expect(await renewed.ask(`renew ${accessToken}`)).toMatch(/Z$/)
    clock.advance(2_000)
    expect(await forgotten.ended).toBe('token_expired')
    expect(renewed.isOpen()).toBe(true)
  })

  test('end with the server, which does not wait for them, and may come back', async () => {
    const sessions = open()
    const server = await start(sessions)
    const { accessToken: token } = await sessions.create({ userId: 'ann' })
    const clients = await Promise.all([1, 2, 3].map(() => server.connect({ token })))
    await server.close()
    opened = opened.filter((each) => each !== server)
    expect(await Promise.all(clients.map(({ ended }) => ended))).toEqual(clients.map(() => 'server_closing'))
    expect(sessions.status().watched).toBe(0)
  })

  test('leave nothing behind when their clients go', async () => {
    const sessions = open()
    const server = await start(sessions)
    const { accessToken: token } = await sessions.create({ userId: 'ann' })
    const clients = await Promise.all(Array.from({ length: 20 }, () => server.connect({ token })))
    expect(sessions.status().watched).toBe(1)
    for (const client of clients) client.leave()
    await expect.poll(() => [server.size(), sessions.status().watched]).toEqual([0, 0])
  })

  test('of a session that ends during the handshake end, too', async () => {
    const sessions = open()
    const server = await start(sessions)
    for (let round = 0; round < 20; round += 1) {
      const { accessToken: token, session } = await sessions.create({ userId: `user-${round}` })
      const connecting = server.connect({ token })
      await sessions.revoke(`user-${round}`, session.sid)
      const client = await connecting.catch(() => null)
      if (client !== null) expect(await client.ended).toBe('session_ended')
    }
    await expect.poll(() => [server.size(), sessions.status().watched]).toEqual([0, 0])
  })
})
