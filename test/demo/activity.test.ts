import { describe, expect, test } from 'vitest'
import { createActivity, type ActivityPage } from '../../demo/activity.js'
import { createKeyRing, createSessions, generateKeys, type Sessions } from '../../src/index.js'
import { memoryStore } from '../../src/memory-store.js'
import { codeOf, describeDemo } from './open-app.js'

/** An entry as JSON has it. */
interface Entry {
  readonly type: string
  readonly sid: string | null
  readonly reason: string | null
  readonly actor: string | null
  readonly count: number
}

describeDemo((app) => {
  async function read(token: string): Promise<{ entries: Entry[]; devices: Record<string, string> }> {
    const response = await app.request('GET /api/activity', { token })
    expect([response.status, response.headers.get('cache-control')]).toEqual([200, 'no-store'])
    return (await response.json()) as { entries: Entry[]; devices: Record<string, string> }
  }

  describe('GET /api/activity', () => {
    test('tells of the logins of the account, newest first, and what their devices are called', async () => {
      const phone = await app.logIn('alice', 'phone')
      app.clock.advance(1_000)
      const laptop = await app.logIn('alice', 'laptop')
      const { entries, devices } = await read(phone.accessToken)
      expect(entries.map(({ type, sid }) => [type, sid])).toEqual([
        ['logged_in', laptop.sid],
        ['logged_in', phone.sid],
      ])
      expect(devices).toEqual({ [phone.sid]: 'phone', [laptop.sid]: 'laptop' })
    })

    test('tells of refreshes as one for each device, with their number, and not of those that changed nothing', async () => {
      const { accessToken, refreshToken, sid } = await app.logIn()
      const refresh = (): Promise<Response> => app.request('POST /auth/refresh', { body: { refreshToken } })
      await refresh()
      expect((await read(accessToken)).entries.map(({ type }) => type)).toEqual(['logged_in'])
      app.clock.advance(31_000)
      await refresh()
      await refresh()
      const [newest] = (await read(accessToken)).entries
      expect(newest).toMatchObject({ type: 'refreshed', sid, reason: 'redelivered', count: 2 })
    })

    test('tells which device was logged out by which', async () => {
      const phone = await app.logIn('alice', 'phone')
      const laptop = await app.logIn('alice', 'laptop')
      app.clock.advance(1_000)
      await app.request(`DELETE /auth/sessions/${laptop.sid}`, { token: phone.accessToken })
      const [newest] = (await read(phone.accessToken)).entries
      expect(newest).toMatchObject({ type: 'session_revoked', sid: laptop.sid, actor: phone.sid, reason: 'logout' })
    })

    test('names a device as it was called, also when it is gone', async () => {
      const phone = await app.logIn('alice', 'phone')
      const laptop = await app.logIn('alice', 'laptop')
      await app.request(`PATCH /auth/sessions/${phone.sid}`, { token: laptop.accessToken, body: { name: 'pocket' } })
      await app.request(`DELETE /auth/sessions/${laptop.sid}`, { token: phone.accessToken })
      const { devices } = await read(phone.accessToken)
      expect(devices).toEqual({ [phone.sid]: 'pocket', [laptop.sid]: 'laptop' })
    })

    test('tells nobody of somebody else', async () => {
      const bob = await app.logIn('bob', "bob's phone")
      const alice = await app.logIn('alice', 'phone')
      expect(await read(alice.accessToken)).toMatchObject({ entries: [{ sid: alice.sid }], devices: {} })
      expect(JSON.stringify(await read(alice.accessToken))).not.toContain(bob.sid)
      expect(JSON.stringify(await read(bob.accessToken))).not.toContain(alice.sid)
    })

    test('has no token and no jti in it', async () => {
      const { accessToken, refreshToken } = await app.logIn()
      const { jti } = JSON.parse(Buffer.from(accessToken.split('.')[1]!, 'base64url').toString()) as { jti: string }
      const text = JSON.stringify(await read(accessToken))
      for (const secret of [accessToken, refreshToken, jti]) expect(text).not.toContain(secret)
    })

    test('needs a session', async () => {
      expect(await codeOf(await app.request('GET /api/activity'))).toBe('401 token_missing')
    })
  })
})

describe('what a process keeps of the activity', () => {
  test('is at most twenty entries of one account', async () => {
    const { activity, logIn } = await openActivity()
    for (let index = 0; index < 30; index++) await logIn('alice')
    expect(await countEntries(activity, 'alice')).toBe(20)
  })

  test('is of the thousand accounts that were seen last', async () => {
    const { activity, logIn, sessions } = await openActivity()
    await logIn('first')
    for (let index = 0; index < 1_000; index++) await logIn(`user ${index}`)
    // What stands is in the table; what has ended this process must remember.
    for (const userId of ['first', 'user 999']) await sessions.revokeAll(userId)
    const remembered = async (userId: string): Promise<boolean> =>
      (await activity.list(userId)).entries.some(({ type }) => type === 'logged_in')
    expect([await remembered('user 999'), await remembered('first')]).toEqual([true, false])
  })

  async function openActivity(): Promise<{
    activity: { list(userId: string): Promise<ActivityPage> }
    sessions: Sessions<object, never, string>
    logIn(userId: string): Promise<unknown>
  }> {
    const sessions = createSessions({
      store: memoryStore(),
      keys: await createKeyRing(await generateKeys()),
      issuer: 'https://rollcall.demo',
      audience: 'demo',
      refreshToken: { secret: 'thirty-two bytes or more of a test' },
    })
    const activity = createActivity({ sessions })
    return { activity, sessions, logIn: (userId) => activity.sessions.create({ userId }) }
  }

  async function countEntries(activity: { list(userId: string): Promise<ActivityPage> }, userId: string) {
    return (await activity.list(userId)).entries.length
  }
})
