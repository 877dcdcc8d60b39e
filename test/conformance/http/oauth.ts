import { describe, expect, test } from 'vitest'
import { createSessions } from '../../../src/sessions.js'
import { audience, issuer, stageFor, type FrameworkHarness } from './harness.js'
import type { Answer } from './send.js'

const secrets = { api: 'a'.repeat(32), admin: 'b'.repeat(40), old: 'c'.repeat(32) }
const form = ['Content-Type', 'application/x-www-form-urlencoded'] as const
const basic = (id: string, secret: string): readonly [string, string] => [
  'Authorization',
  `Basic ${btoa(`${id}:${secret}`)}`,
]

export function describeOauthRoutes(harness: FrameworkHarness): void {
  const clients = {
    api: { secret: [secrets.old, secrets.api], audience: 'https://api.example' },
    admin: { secret: secrets.admin },
  }

  describe('the routes of OAuth', () => {
    const stage = stageFor(harness, {
      options: { from: 'either', clients },
      settings: { freshness: { maxStaleness: '1m' } },
    })
    const ask = (route: string, body: string, client = basic('api', secrets.api)): Promise<Answer> =>
      stage().send({ route: `POST /auth/${route}`, headers: [client, form], body })

    test('introspect tells a service all of a token that stands (RFC 7662, section 2.2)', async () => {
      const { accessToken, userId, session, expiresAt } = await stage().logIn({ acr: 'strong', amr: ['pwd', 'otp'] })
      const answer = await ask('introspect', `token=${accessToken}&token_type_hint=refresh_token`)
      expect([answer.status, answer.headers['cache-control']]).toEqual([200, 'no-store'])
      expect(answer.json).toMatchObject({
        active: true,
        token_type: 'Bearer',
        sub: userId,
        sid: session.sid,
        iss: 'https://issuer.example',
        aud: ['https://api.example', 'https://admin.example'],
        exp: Math.floor(expiresAt.getTime() / 1_000),
        jti: expect.any(String),
        auth_time: Math.floor(session.authenticatedAt.getTime() / 1_000),
        acr: 'strong',
        amr: ['pwd', 'otp'],
        role: 'member',
      })
    })

    test('introspect asks the store, however old a read may be elsewhere', async () => {
      const { accessToken, userId } = await stage().logIn()
      expect((await stage().send({ route: 'GET /guarded', token: accessToken })).status).toBe(200)
      // By another process, of which this one hears nothing.
      const { store, keys, clock } = stage()
      const elsewhere = createSessions({ store, keys, clock, issuer, audience })
      await elsewhere.revokeAll(userId)
      expect((await stage().send({ route: 'GET /guarded', token: accessToken })).json).toMatchObject({
        source: 'cache',
      })
      expect((await ask('introspect', `token=${accessToken}`)).text).toBe('{"active":false}')
    })

    test('introspect tells nothing else of a token that does not stand, whatever is wrong with it (RFC 7662, section 2.2)', async () => {
      const [ended, suspended, foreign] = [
        await stage().logIn(),
        await stage().logIn(),
        await stage().logIn({ audience: 'https://admin.example' }),
      ]
      await stage().sessions.revoke(ended.userId, ended.session.sid)
      await stage().sessions.suspend(suspended.userId)
      const tokens = [ended.accessToken, suspended.accessToken, foreign.accessToken, foreign.refreshToken, 'x', 'a.b.c']
      for (const token of tokens) {
        const answer = await ask('introspect', `token=${token}`)
        expect([answer.status, answer.text]).toEqual([200, '{"active":false}'])
      }
      const admin = basic('admin', secrets.admin)
      expect((await ask('introspect', `token=${foreign.accessToken}`, admin)).json).toMatchObject({ active: true })
    })

    test('revoke ends the session of either token, at once, whatever the hint says (RFC 7009, section 2.1; ASVS 10.4.9)', async () => {
      for (const [name, hint] of [
        ['accessToken', 'refresh_token'],
        ['refreshToken', 'access_token'],
        ['refreshToken', 'nonsense'],
        ['accessToken', ''],
      ] as const) {
        const pair = await stage().logIn()
        const told: unknown[] = []
        const off = stage().sessions.on('revoked', ({ actor, reason }) => void told.push([actor, reason]))
        const answer = await ask('revoke', `token=${pair[name]}&token_type_hint=${hint}`)
        off()
        expect(told).toEqual([['api', 'revocation']])
        expect(answer.status).toBe(200)
        expect((await ask('introspect', `token=${pair.accessToken}`)).json).toEqual({ active: false })
      }
    })

    test('revoke is done with a token that is not good, and does nothing by it (RFC 7009, section 2.2)', async () => {
      const { accessToken } = await stage().logIn()
      for (const token of ['x', 'rollcall_rt_x', `${accessToken.slice(0, -4)}AAAA`])
        expect((await ask('revoke', `token=${token}`)).status).toBe(200)
      expect((await ask('introspect', `token=${accessToken}`)).json).toMatchObject({ active: true })
    })

    test('nobody learns or ends anything without the secret of a client (RFC 7662, section 2.1; ASVS 10.4.10)', async () => {
      const { accessToken } = await stage().logIn()
      const wrong = [
        [],
        [basic('api', secrets.admin)],
        [basic('api', '')],
        [basic('nobody', secrets.api)],
        [basic('__proto__', secrets.api)],
        [['Authorization', 'Basic %%%'] as const],
        [['Authorization', `Bearer ${accessToken}`] as const],
      ]
      for (const headers of wrong) {
        for (const route of ['introspect', 'revoke']) {
          const answer = await stage().send({
            route: `POST /auth/${route}`,
            headers: [...headers, form],
            body: `token=${accessToken}`,
          })
          expect([answer.summary, answer.json.error, answer.headers['www-authenticate']]).toEqual([
            '401 invalid_client',
            'invalid_client',
            'Basic realm="rollcall"',
          ])
        }
      }
      expect((await ask('introspect', `token=${accessToken}`, basic('api', secrets.old))).json).toMatchObject({
        active: true,
      })
    })

    test.each([
      ['no token', 'a=b', form, '400 invalid_request'],
      ['an empty token', 'token=', form, '400 invalid_request'],
      ['nothing', '', form, '400 invalid_request'],
      ['two tokens', 'token=a&token=b', form, '400 invalid_request'],
      ['JSON', '{"token":"x"}', ['Content-Type', 'application/json'], '415 unsupported_media_type'],
      ['plain text', 'token=x', ['Content-Type', 'text/plain'], '415 unsupported_media_type'],
      ['more than 16 KB', `token=${'x'.repeat(16_384)}`, form, '413 request_too_large'],
    ] as const)('a form with %s is refused', async (_, body, type, summary) => {
      for (const route of ['introspect', 'revoke']) {
        const answer = await stage().send({
          route: `POST /auth/${route}`,
          headers: [basic('admin', secrets.admin), type],
          body,
        })
        expect(answer.summary).toBe(summary)
      }
    })

    test('jwks.json gives the public halves of the keys alone, and caches may keep it for a while', async () => {
      const answer = await stage().send({ route: 'GET /auth/jwks.json' })
      expect([answer.status, answer.json, answer.headers['cache-control']]).toEqual([
        200,
        { keys: [] },
        'public, max-age=300',
      ])
    })
  })

  describe('the routes of OAuth that nobody asked for', () => {
    const stage = stageFor(harness, { options: { keys: undefined } })

    test('are not there', async () => {
      for (const route of ['POST /auth/introspect', 'POST /auth/revoke'])
        expect((await stage().send({ route, headers: [form], body: 'token=x' })).summary).toBe('404 not_found')
      expect((await stage().send({ route: 'GET /auth/jwks.json' })).summary).toBe('404 not_found')
    })
  })
}
