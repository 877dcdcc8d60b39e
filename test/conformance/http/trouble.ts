import { describe, expect, test } from 'vitest'
import { stageFor, type FrameworkHarness } from './harness.js'
import { cookiesFor, samePage } from './send.js'

const basic = ['Authorization', `Basic ${btoa(`api:${'s'.repeat(32)}`)}`] as const
const form = ['Content-Type', 'application/x-www-form-urlencoded'] as const

export function describeTrouble(harness: FrameworkHarness): void {
  describe('when something is wrong on this side', () => {
    const stage = stageFor(harness, { options: { from: 'either', clients: { api: { secret: 's'.repeat(32) } } } })

    test('every route answers 503 while the store is down, touches no cookie and lets nobody in (ASVS 16.5.2, 16.5.3)', async () => {
      const { accessToken: token, refreshToken, session, userId } = await stage().logIn()
      const login = await stage().send({
        route: `POST /login?as=${stage().name({ userId, mode: 'cookie' })}`,
        headers: samePage,
      })
      const cookies = cookiesFor('/auth/refresh', login.cookies)
      const calls = [
        { route: 'GET /guarded', token },
        { route: 'POST /guarded', cookies, headers: samePage },
        { route: 'GET /auth/session', token },
        { route: 'GET /auth/sessions', token },
        { route: `PATCH /auth/sessions/${session.sid}`, token, body: { name: 'x' } },
        { route: `DELETE /auth/sessions/${session.sid}`, token },
        { route: 'POST /auth/logout', token },
        { route: 'POST /auth/logout', cookies, headers: samePage },
        { route: 'POST /auth/logout-others', token },
        { route: 'POST /auth/logout-everywhere', token },
        { route: 'POST /auth/refresh', body: { refreshToken } },
        { route: 'POST /auth/refresh', cookies, headers: samePage },
        { route: 'POST /auth/introspect', headers: [basic, form], body: `token=${token}` },
        { route: 'POST /auth/revoke', headers: [basic, form], body: `token=${token}` },
        { route: `POST /login?as=${stage().name({ userId })}` },
      ]
      const reached = stage().reached()
      stage().breakStore(() => {
        throw new Error('connection lost: password=secret')
      })
      for (const call of calls) {
        const answer = await stage().send(call)
        expect([call.route, answer.summary, answer.headers['retry-after']]).toEqual([
          call.route,
          '503 store_unavailable',
          '1',
        ])
        expect(answer.headers['www-authenticate']).toBeUndefined()
        expect([answer.cookies, answer.headers['clear-site-data']]).toEqual([[], undefined])
        expect(answer.text).not.toContain('secret')
      }
      stage().breakStore()
      expect(stage().reached()).toBe(reached)
      expect(stage().reported).toHaveLength(calls.length)
      // Nobody was logged out by it.
      expect((await stage().send({ route: 'GET /guarded', token })).status).toBe(200)
      expect((await stage().send({ route: 'GET /guarded', cookies })).status).toBe(200)
    })

    test('what a verb throws in a route of the app is answered by the same table', async () => {
      stage().breakStore(() => {
        throw new Error('connection lost')
      })
      const answer = await stage().send({ route: 'GET /throws' })
      stage().breakStore()
      expect([answer.summary, answer.headers['retry-after']]).toEqual(['503 store_unavailable', '1'])
    })

    test('what the app itself throws is a 500 that tells nothing of it', async () => {
      const answer = await stage().send({ route: 'GET /throws' })
      expect(answer.status).toBe(500)
      expect(answer.text).not.toContain('a secret of the app')
    })
  })

  describe('an error that nobody expected', () => {
    const stage = stageFor(harness)

    test('is a 500 that tells nothing, and is reported (ASVS 16.5.1)', async () => {
      const { accessToken: token } = await stage().logIn()
      await stage().sessions.close()
      for (const route of ['GET /guarded', 'GET /auth/sessions']) {
        const answer = await stage().send({ route, token })
        expect([answer.status, answer.json]).toEqual([500, { code: 'internal', message: 'Something went wrong here' }])
        expect([answer.headers['www-authenticate'], answer.headers['cache-control']]).toEqual([undefined, 'no-store'])
      }
      expect(stage().reported).toEqual([expect.any(TypeError), expect.any(TypeError)])
    })
  })
}
