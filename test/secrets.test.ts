import { inspect } from 'node:util'
import { afterEach, expect, test, vi } from 'vitest'
import type { EventMap } from '../src/notifier.js'
import { memoryStore } from '../src/memory-store.js'
import { createSessions } from '../src/sessions.js'
import { createFakeClock } from './conformance/fake-clock.js'
import { given } from './support/given.js'

const secret = 'a refresh secret that nobody is told'
const events = ['revoked', 'suspended', 'reinstated', 'refreshed', 'reused', 'error'] as const
const outputs = ['log', 'info', 'warn', 'error', 'debug'] as const

afterEach(() => void vi.restoreAllMocks())

/** Every part of a token that is of use to whoever reads it, whole and in the pieces that logs cut. */
function secretsOf(token: string): string[] {
  const parts = token.split('.').filter((part) => part.length >= 40)
  return [token, ...parts, ...parts.map((part) => part.slice(0, 20))]
}

function jtiOf(token: string): string {
  return (JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString()) as { jti: string }).jti
}

test('no token, jti, claim or secret is in an error, an event, the status or the console, whatever goes wrong (ASVS 16.2.5)', async () => {
  const told: unknown[] = []
  for (const name of outputs) vi.spyOn(console, name).mockImplementation((...given) => void told.push(...given))
  const clock = createFakeClock()
  const store = memoryStore()
  let isDown = false
  const lookup: typeof store.lookup = (...asked) =>
    isDown ? Promise.reject(new Error('ECONNREFUSED')) : store.lookup(...asked)
  const claims = (): object => ({ role: 'a role that nobody is told' })
  const sessions = createSessions(given({ store: { ...store, lookup }, clock, claims, refreshToken: { secret } }))
  for (const name of events) sessions.on(name, (event: EventMap[typeof name]) => told.push(event))
  const codes: unknown[] = []
  const refused = async (call: Promise<unknown>): Promise<void> => {
    const error: unknown = await call.then(
      () => null,
      (reason: unknown) => reason,
    )
    expect(error).toBeInstanceOf(Error)
    told.push(error, (error as Error).stack)
    codes.push((error as { code?: string }).code)
  }

  const login = await sessions.create({ userId: 'alice' })
  clock.advance(60_000)
  const next = await sessions.refresh(login.refreshToken!)
  await sessions.verify(next.accessToken)
  await refused(sessions.verify(login.refreshToken!))
  await refused(sessions.refresh(login.accessToken))
  for (const altered of [
    `${next.accessToken}x`,
    `${next.accessToken.slice(0, -4)}AAAA`,
    next.refreshToken.slice(0, -1),
  ])
    for (const show of [sessions.verify, sessions.refresh, sessions.revokeToken]) await refused(show(altered))
  isDown = true
  await refused(sessions.verify(next.accessToken))
  isDown = false
  clock.advance(3_600_000)
  await refused(sessions.verify(next.accessToken))
  await refused(sessions.refresh(login.refreshToken!))
  await refused(sessions.refresh(next.refreshToken))
  const last = await sessions.create({ userId: 'alice' })
  await sessions.suspend('alice', { reason: 'abuse', actor: 'support' })
  await refused(sessions.verify(last.accessToken))
  await sessions.reinstate('alice')
  await sessions.revoke('alice', last.session.sid)
  await refused(sessions.verify(last.accessToken))
  await refused(sessions.list(last.accessToken, { limit: last.refreshToken as unknown as number }))
  await refused(sessions.create({ userId: last.refreshToken as string, acr: [last.accessToken] as unknown as string }))
  told.push(sessions.status())
  await sessions.close()

  expect(codes).toEqual(expect.arrayContaining(['token_malformed', 'refresh_token_reused', 'store_unavailable']))
  const text = told.map((entry) => `${inspect(entry, { depth: 10, showHidden: true })} ${JSON.stringify(entry)}`).join()
  expect(text).toContain(login.session.sid)
  const pairs = [login, next, last].flatMap(({ accessToken, refreshToken }) => [accessToken, refreshToken!])
  const jtis = [login, next, last].map(({ accessToken }) => jtiOf(accessToken))
  const hidden = [...pairs.flatMap(secretsOf), ...jtis, secret, 'a role that nobody is told']
  expect(hidden.filter((part) => text.includes(part))).toEqual([])
})
