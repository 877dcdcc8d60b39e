import { beforeAll, describe, expect, test } from 'vitest'
import { codeOf, stageFor, type StoreHarness } from './harness.js'
import { hour, minute, record, refreshAs, refreshing, secret, use } from './refresh-stage.js'

const newSecret = 'another refresh secret of thirty-two bytes or more'
const phone = { ip: '203.0.113.7', userAgent: 'Phone/1' }
const elsewhere = { ip: '198.51.100.9', userAgent: 'Curl/8' }

/** Who may refresh: genuine tokens of sessions that stand, and what the settings make of a reuse. */
export function describeRefreshTrust<Transaction>(harness: StoreHarness<Transaction>): void {
  describe('refresh, refused', () => {
    const stage = stageFor(harness)
    /** A store that must not be asked. */
    let untouched: ReturnType<typeof stage>['open']['store']
    beforeAll(() => {
      untouched = new Proxy(stage().open.store, {
        get: (store, name) => {
          if (name === 'lookup') return store.lookup
          throw new Error(`the store was asked: ${String(name)}`)
        },
      })
    })

    test('what is not genuine is refused without a query (ASVS 9.1.1)', async () => {
      const { user, sessions: plain } = stage()
      const userId = user()
      const { refreshToken, accessToken } = await refreshing(stage()).create({ userId })
      const sessions = refreshing(stage(), { store: untouched })
      const single = await plain.create({ userId })
      const altered = Array.from(refreshToken, (character, index) => {
        const other = character === 'A' ? 'B' : 'A'
        return refreshToken.slice(0, index) + other + refreshToken.slice(index + 1)
      })
      const forged = [
        ...altered,
        accessToken,
        single.accessToken,
        '',
        'rollcall_rt_',
        ` ${refreshToken}`,
        `${refreshToken}\n`,
        `${refreshToken}=`,
        `${refreshToken}.`,
        `${refreshToken}A`,
        refreshToken.slice(0, -1),
        refreshToken.toUpperCase(),
        refreshToken.toLowerCase(),
        refreshToken.repeat(2),
        'rollcall_rt_'.repeat(90_000),
        'A'.repeat(1_000_000),
      ]
      const codes = new Set<string>()
      for (const token of forged) codes.add(await codeOf(sessions.refresh(token)))
      // A secret that is not here may be one that was added elsewhere.
      expect([...codes].toSorted()).toEqual(['key_unavailable', 'refresh_token_invalid'])
      for (const value of [undefined, null, 5, {}, [refreshToken]])
        expect(await codeOf(sessions.refresh(value as unknown as string))).toBe('refresh_token_invalid')
      expect(await codeOf(refreshing(stage()).refresh(refreshToken))).toBe('accepted')
    })

    test('every last character but the right one is refused: there is one spelling', async () => {
      const { refreshToken } = await refreshing(stage()).create({ userId: stage().user() })
      const sessions = refreshing(stage(), { store: untouched })
      const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
      for (const last of alphabet.replace(refreshToken.at(-1)!, ''))
        expect(await codeOf(sessions.refresh(refreshToken.slice(0, -1) + last))).toBe('refresh_token_invalid')
    })

    test('a refresh token is no access token', async () => {
      const { refreshToken } = await refreshing(stage()).create({ userId: stage().user() })
      expect(await codeOf(refreshing(stage(), { store: untouched }).verify(refreshToken))).toBe('token_malformed')
    })

    test('the token of another issuer is invalid, whether or not it shares the secret', async () => {
      const { refreshToken } = await refreshing(stage()).create({ userId: stage().user() })
      const issuer = 'https://other.example'
      for (const other of [secret, newSecret]) {
        const sessions = refreshing(stage(), { issuer, store: untouched, refreshToken: { secret: other } })
        expect(await codeOf(sessions.refresh(refreshToken))).toBe('refresh_token_invalid')
      }
    })

    test('a token of a session that was ended, expired or suspended is refused by that name and changes nothing (ASVS 7.3.1, 7.4.1)', async () => {
      const { clock, user } = stage()
      const sessions = refreshing(stage())
      const userId = user()
      const options = { userId, lifetime: '10h', idleLifetime: '5h' } as const
      const [ended, other] = [await sessions.create(options), await sessions.create(options)]
      await sessions.revoke(userId, ended.session.sid)
      expect(await codeOf(sessions.refresh(ended.refreshToken))).toBe('session_ended')
      await sessions.suspend(userId)
      clock.advance(minute)
      expect(await codeOf(sessions.refresh(other.refreshToken))).toBe('user_suspended')
      await sessions.reinstate(userId)
      const rotated = await refreshAs(sessions, other.refreshToken, 'rotated')
      clock.advance(5 * hour)
      expect(await codeOf(sessions.refresh(rotated.refreshToken))).toBe('session_expired')
      expect(await codeOf(sessions.refresh(other.refreshToken))).toBe('session_expired')
    })

    test('a logout takes the refresh token, current or spent, and a forged one logs nobody out (ASVS 10.4.9)', async () => {
      const { clock, user } = stage()
      const sessions = refreshing(stage())
      for (const isSpent of [false, true]) {
        const login = await sessions.create({ userId: user() })
        clock.advance(minute)
        const rotated = await sessions.refresh(login.refreshToken)
        const token = isSpent ? login.refreshToken : rotated.refreshToken
        expect(await codeOf(sessions.revokeToken(token.slice(0, -2)))).toBe('refresh_token_invalid')
        expect(await codeOf(sessions.verify(rotated.accessToken))).toBe('accepted')
        expect(await sessions.revokeToken(token)).toEqual({ revoked: 1 })
        expect(await codeOf(sessions.verify(rotated.accessToken))).toBe('session_ended')
        expect(await sessions.revokeToken(token)).toEqual({ revoked: 0 })
      }
    })

    test('secrets are replaced without a logout: added everywhere first, then put in front', async () => {
      const { clock, user } = stage()
      const nodes = {
        old: refreshing(stage()),
        added: refreshing(stage(), { refreshToken: { secret: [secret, newSecret] } }),
        promoted: refreshing(stage(), { refreshToken: { secret: [newSecret, secret] } }),
        done: refreshing(stage(), { refreshToken: { secret: newSecret } }),
      }
      const login = await nodes.old.create({ userId: user() })
      clock.advance(minute)
      const first = await refreshAs(nodes.promoted, login.refreshToken, 'rotated')
      expect((await refreshAs(nodes.added, login.refreshToken, 'redelivered')).refreshToken).toBe(first.refreshToken)
      // A node that was forgotten can't tell: the client is asked to retry, and nothing ends.
      expect(await codeOf(nodes.old.refresh(login.refreshToken))).toBe('key_unavailable')
      expect(await codeOf(nodes.old.refresh(first.refreshToken))).toBe('key_unavailable')
      clock.advance(minute)
      const second = await refreshAs(nodes.done, first.refreshToken, 'rotated')
      expect(await codeOf(nodes.done.refresh(login.refreshToken))).toBe('key_unavailable')
      await refreshAs(nodes.added, second.refreshToken, 'unchanged')
    })

    test('a reuse ends all devices of the user where that is asked for, and only once (ASVS 10.4.5)', async () => {
      const { clock, user } = stage()
      const sessions = refreshing(stage(), { refreshToken: { onReuse: 'revokeAll' } })
      const [reused, revoked] = [record(sessions, 'reused'), record(sessions, 'revoked')]
      const userId = user()
      const stranger = await sessions.create({ userId: user() })
      const login = await sessions.create({ userId })
      clock.advance(minute)
      const other = await sessions.create({ userId })
      const rotated = await sessions.refresh(login.refreshToken)
      await use(stage(), sessions, rotated.accessToken)
      clock.advance(hour)
      const shown = await Promise.all(Array.from({ length: 5 }, () => codeOf(sessions.refresh(login.refreshToken))))
      expect(shown).toContain('refresh_token_reused')
      expect(await codeOf(sessions.refresh(other.refreshToken))).toBe('session_ended')
      expect(await codeOf(sessions.refresh(stranger.refreshToken))).toBe('accepted')
      expect(await sessions.tokenVersion(userId)).toBe(1)
      const event = { userId, sid: login.session.sid, scope: 'all', tokenVersion: 1 }
      expect(reused).toMatchObject([event])
      expect(revoked).toMatchObject([event])
    })

    test('a rotation writes what its request lacks, so that the next owner of the token stands out', async () => {
      const { clock, user } = stage()
      const sessions = refreshing(stage(), { refreshToken: { redeliverTo: 'same device' } })
      const { refreshToken } = await sessions.create({ userId: user(), device: phone })
      clock.advance(minute)
      const { session } = await sessions.refresh(refreshToken, { device: { ip: elsewhere.ip } })
      expect(session.device).toMatchObject({ ip: elsewhere.ip, userAgent: null })
      expect(await codeOf(sessions.refresh(refreshToken, { device: phone }))).toBe('refresh_token_reused')
    })

    test('a process without a refresh secret asks for a retry at a logout it can not do', async () => {
      const { refreshToken, accessToken } = await refreshing(stage()).create({ userId: stage().user() })
      expect(await codeOf(stage().sessions.revokeToken(refreshToken))).toBe('key_unavailable')
      expect(await codeOf(stage().sessions.verify(accessToken))).toBe('accepted')
      await expect(stage().sessions.refresh(refreshToken)).rejects.toBeInstanceOf(TypeError)
    })

    test('every user id that can log in can refresh and log out', async () => {
      const sessions = refreshing(stage())
      const odd = [
        '\uFEFFalice',
        '\uFEFF',
        'a\u0301',
        '\u{1F600}',
        "o'\\brien",
        ' ',
        '\uFFFF',
        '\n',
        '\u{10FFFF}'.repeat(63),
      ]
      for (const userId of odd) {
        const { refreshToken } = await sessions.create({ userId })
        expect((await sessions.verify((await sessions.refresh(refreshToken)).accessToken)).userId).toBe(userId)
        expect(await sessions.revokeToken(refreshToken)).toEqual({ revoked: 1 })
      }
    })

    test('a re-delivery to another ip and user agent is told, and is a reuse only where that is asked for', async () => {
      const { clock, user } = stage()
      for (const redeliverTo of ['anyone', 'same device'] as const) {
        const sessions = refreshing(stage(), { refreshToken: { redeliverTo } })
        const refreshed = record(sessions, 'refreshed')
        const { refreshToken } = await sessions.create({ userId: user(), device: { ...phone, name: 'My phone' } })
        clock.advance(minute)
        const { session } = await sessions.refresh(refreshToken, { device: { ...phone, ip: '192.0.2.1' } })
        expect(session.device).toMatchObject({ name: 'My phone', ip: '192.0.2.1', userAgent: phone.userAgent })
        await sessions.refresh(refreshToken, { device: { userAgent: elsewhere.userAgent } })
        await sessions.refresh(refreshToken, { device: { ...phone, ip: elsewhere.ip } })
        await sessions.refresh(refreshToken)
        const code = await codeOf(sessions.refresh(refreshToken, { device: { ip: elsewhere.ip } }))
        expect(code).toBe(redeliverTo === 'anyone' ? 'accepted' : 'refresh_token_reused')
        const told = refreshed.map((event) => [event.outcome, event.isOtherIp, event.isOtherUserAgent])
        expect(told.slice(0, 4)).toEqual([
          ['rotated', true, false],
          ['redelivered', null, true],
          ['redelivered', true, false],
          ['redelivered', null, null],
        ])
        expect(told.slice(4)).toEqual(redeliverTo === 'anyone' ? [['redelivered', true, null]] : [])
      }
    })
  })
}
