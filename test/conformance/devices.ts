import { describe, expect, test } from 'vitest'
import type { DeviceInput } from '../../src/device.js'
import { stageFor, type StoreHarness } from './harness.js'

const firefox = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'
const bad: [string, unknown][] = [
  ['a user agent of 10,000 characters', { userAgent: 'M'.repeat(10_000) }],
  ['a user agent of emoji', { userAgent: '\u{1F600}'.repeat(2_000) }],
  ['NUL in every field', { name: 'a\0b', userAgent: '\0', ip: '\0', kind: '\0' }],
  ['lone surrogates', { name: '\uD800x', userAgent: 'a\uDC00', ip: '\uD83D' }],
  ['numbers and objects', { name: 5, userAgent: {}, ip: [], kind: 7 }],
  ['an unknown kind', { kind: 'toaster' }],
  ['empty texts', { name: '', userAgent: '', ip: '' }],
  ['null fields', { name: null, userAgent: null, ip: null, kind: null }],
  ['a string', 'iPhone'],
  ['null', null],
  ['nothing', undefined],
  ['control characters', { name: 'a\r\nSet-Cookie: x\u001b[31m', userAgent: 'x\u0085y' }],
]

/** What a login says of its device, and the list of devices. */
export function describeDevices<Transaction>(harness: StoreHarness<Transaction>): void {
  describe('devices', () => {
    const stage = stageFor(harness)

    test.each(bad)('a device of %s never fails a login (activerecord-session_store#79)', async (_, device) => {
      const { sessions, user } = stage()
      const userId = user()
      await sessions.create({ userId, device: device as DeviceInput })
      const [listed] = await sessions.list(userId)
      for (const text of [listed!.device.name, listed!.device.userAgent, listed!.device.ip]) {
        expect(text === null || (text.isWellFormed() && !/\p{Cc}/u.test(text) && Array.from(text).length <= 512)).toBe(
          true,
        )
      }
      expect(['desktop', 'mobile', 'tablet', 'tv', 'bot', 'unknown']).toContain(listed!.device.kind)
    })

    test('a device without a name gets one from its user agent', async () => {
      const { sessions, user } = stage()
      const userId = user()
      const { session } = await sessions.create({ userId, device: { userAgent: firefox, ip: '2001:db8::1' } })
      expect(session.device).toEqual({
        name: 'Firefox on Linux',
        kind: 'desktop',
        userAgent: firefox,
        ip: '2001:db8::1',
      })
      expect((await sessions.list(userId))[0]!.device).toEqual(session.device)
    })

    test('text is cut by code point and stored whole', async () => {
      const { sessions, user } = stage()
      const userId = user()
      await sessions.create({ userId, device: { name: '\u{1F600}'.repeat(150), userAgent: '\u{1F680}'.repeat(600) } })
      const [{ device }] = (await sessions.list(userId)) as [Awaited<ReturnType<typeof sessions.list>>[number]]
      expect(device.name).toBe('\u{1F600}'.repeat(100))
      expect(device.userAgent).toBe('\u{1F680}'.repeat(512))
    })

    test('a device is renamed, also to the name it has, and to none', async () => {
      const { sessions, user, login } = stage()
      const userId = user()
      const { session } = await login(userId, { device: { name: 'Phone' } })
      expect(await sessions.rename(userId, session.sid, 'Work phone')).toEqual({ renamed: 1 })
      expect(await sessions.rename(userId, session.sid, 'Work phone')).toEqual({ renamed: 1 })
      expect((await sessions.list(userId))[0]!.device.name).toBe('Work phone')
      expect(await sessions.rename(userId, session.sid, ' \0 ')).toEqual({ renamed: 1 })
      expect((await sessions.list(userId))[0]!.device.name).toBeNull()
    })

    test('a device of another user is not renamed', async () => {
      const { sessions, user, login } = stage()
      const userId = user()
      const { session } = await login(userId, { device: { name: 'Phone' } })
      expect(await sessions.rename(user('stranger'), session.sid, 'Mine')).toEqual({ renamed: 0 })
      expect((await sessions.list(userId))[0]!.device.name).toBe('Phone')
    })
  })

  describe('the list of devices', () => {
    const stage = stageFor(harness)

    test('is newest first, marks the current one, and holds no credential (ASVS 7.5.2)', async () => {
      const { sessions, user, login, clock } = stage()
      const userId = user()
      const sids: string[] = []
      for (let count = 0; count < 3; count += 1) {
        sids.unshift((await login(userId)).session.sid)
        clock.advance(1_000)
      }
      const listed = await sessions.list(userId, { current: sids[1]! })
      expect(listed.map(({ sid }) => sid)).toEqual(sids)
      expect(listed.map(({ current }) => current)).toEqual([false, true, false])
      expect(Object.keys(listed[0]!).toSorted()).toEqual([
        'acr',
        'amr',
        'audience',
        'authenticatedAt',
        'createdAt',
        'current',
        'device',
        'expiresAt',
        'idleExpiresAt',
        'lastSeenAt',
        'sid',
      ])
    })

    test('is empty for a user never seen', async () => {
      expect(await stage().sessions.list(stage().user())).toEqual([])
    })

    test('is read in pages that neither repeat nor leave out a session, also when many began in one millisecond', async () => {
      const { sessions, user, login, clock } = stage()
      const userId = user()
      for (let count = 0; count < 23; count += 1) {
        await login(userId)
        if (count % 5 === 0) clock.advance(1)
      }
      const whole = await sessions.list(userId)
      const pages: typeof whole = []
      for (
        let page = await sessions.list(userId, { limit: 4 });
        page.length > 0;
        page = await sessions.list(userId, { limit: 4, after: page.at(-1)! })
      ) {
        pages.push(...page)
      }
      expect(whole).toHaveLength(23)
      expect(pages).toEqual(whole)
    })

    test('goes on from a cursor whose session has ended meanwhile', async () => {
      const { sessions, user, login, clock } = stage()
      const userId = user()
      for (let count = 0; count < 4; count += 1) {
        await login(userId)
        clock.advance(1)
      }
      const whole = await sessions.list(userId)
      await sessions.revoke(userId, whole[1]!.sid)
      expect((await sessions.list(userId, { after: whole[1]! })).map(({ sid }) => sid)).toEqual([
        whole[2]!.sid,
        whole[3]!.sid,
      ])
    })

    test('leaves out sessions that have expired', async () => {
      const { sessions, user, login, clock } = stage()
      const userId = user()
      await login(userId, { lifetime: '1m' })
      const { session } = await login(userId)
      clock.advance(60_000)
      expect((await sessions.list(userId)).map(({ sid }) => sid)).toEqual([session.sid])
      expect((await sessions.revokeAll(userId)).revoked).toBe(1)
    })
  })
}
