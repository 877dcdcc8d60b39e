import { describe, expect, test } from 'vitest'
import { logInByCookie } from './cookies.js'
import { stageFor, type FrameworkHarness } from './harness.js'
import { cookiesFor, samePage } from './send.js'

const unknownSids = ['unknown', '%00', 'x'.repeat(500), '..%2f..', "'", '%27%20or%201=1', '-']

export function describeDeviceRoutes(harness: FrameworkHarness): void {
  describe('the device routes', () => {
    const stage = stageFor(harness, { options: { from: 'either' } })

    test('GET session tells whether and how long the session lives, and is no use of it (ASVS 7.3.1)', async () => {
      const { accessToken: token, userId, session, expiresAt } = await stage().logIn({ idleLifetime: '5m' })
      const { clock } = stage()
      clock.advance(2 * 60_000)
      const answer = await stage().send({ route: 'GET /auth/session', token })
      expect([answer.status, answer.json]).toEqual([
        200,
        {
          userId,
          sid: session.sid,
          authenticatedAt: session.authenticatedAt.toJSON(),
          amr: null,
          acr: null,
          expiresAt: expiresAt.toJSON(),
          idleExpiresAt: session.idleExpiresAt.toJSON(),
          sessionExpiresAt: session.expiresAt.toJSON(),
          now: new Date(clock.wall()).toJSON(),
        },
      ])
      clock.advance(3 * 60_000)
      expect((await stage().send({ route: 'GET /auth/session', token })).summary).toBe('401 session_expired')
    })

    test('GET session says of one that is over why, and by that what to do', async () => {
      const { accessToken: token, userId } = await stage().logIn()
      await stage().sessions.revokeAll(userId)
      expect((await stage().send({ route: 'GET /auth/session', token })).summary).toBe('401 session_ended')
      expect((await stage().send({ route: 'GET /auth/session' })).summary).toBe('401 token_missing')
    })

    test('GET sessions is no use of the session: a page shows the list by itself', async () => {
      const { accessToken: token } = await stage().logIn({ idleLifetime: '5m' })
      for (let count = 0; count < 3; count += 1) {
        stage().clock.advance(100_000)
        const { summary } = await stage().send({ route: 'GET /auth/sessions', token })
        expect(summary).toBe(count < 2 ? '200' : '401 session_expired')
      }
    })

    test('GET sessions lists the devices of the user alone, newest first, without tokens (ASVS 7.5.2)', async () => {
      const phone = await stage().logIn({ device: { name: 'phone' } })
      stage().clock.advance(1_000)
      await stage().logIn({ userId: phone.userId, device: { name: 'laptop' } })
      await stage().logIn({ device: { name: 'somebody else’s' } })
      const { json, text } = await stage().send({ route: 'GET /auth/sessions', token: phone.accessToken })
      const seen = json.sessions.map(({ device, current }: { device: { name: string }; current: boolean }) => [
        device.name,
        current,
      ])
      expect([seen, json.next]).toEqual([
        [
          ['laptop', false],
          ['phone', true],
        ],
        null,
      ])
      expect(text).not.toMatch(/jti|hash|salt|rollcall_rt_|eyJ/)
    })

    test('GET sessions goes page by page to the end', async () => {
      const { accessToken: token, userId } = await stage().logIn()
      for (let count = 1; count < 5; count += 1) await stage().logIn({ userId })
      const seen: string[] = []
      for (let after = ''; ;) {
        const { json } = await stage().send({ route: `GET /auth/sessions?limit=2${after}`, token })
        seen.push(...json.sessions.map(({ sid }: { sid: string }) => sid))
        if (json.next === null) break
        after = `&after=${json.next}`
      }
      expect([seen.length, new Set(seen).size]).toEqual([5, 5])
      for (const query of [
        'limit=0',
        'limit=1001',
        'limit=x',
        'limit=1.5',
        'after=x',
        'after=1',
        'after=1.',
        'after=-1.a',
      ])
        expect((await stage().send({ route: `GET /auth/sessions?${query}`, token })).summary).toBe(
          '400 invalid_request',
        )
    })

    test('PATCH sessions/:sid names a device', async () => {
      const { accessToken: token, userId, session } = await stage().logIn()
      const answer = await stage().send({
        route: `PATCH /auth/sessions/${session.sid}`,
        token,
        body: { name: ' old\u0000phone ' },
      })
      expect([answer.status, answer.text]).toEqual([204, ''])
      expect((await stage().sessions.list(userId))[0]!.device.name).toBe('old phone')
    })

    test('DELETE sessions/:sid logs that device out at once and no other (ASVS 7.4.1, 7.5.2)', async () => {
      const phone = await stage().logIn()
      const [laptop, tablet] = [
        await stage().logIn({ userId: phone.userId }),
        await stage().logIn({ userId: phone.userId }),
      ]
      const answer = await stage().send({
        route: `DELETE /auth/sessions/${laptop.session.sid}`,
        token: phone.accessToken,
      })
      expect([answer.status, answer.text, answer.headers['clear-site-data']]).toEqual([204, '', undefined])
      const summaries = [phone, laptop, tablet].map(
        async ({ accessToken: token }) => (await stage().send({ route: 'GET /guarded', token })).summary,
      )
      expect(await Promise.all(summaries)).toEqual(['200', '401 session_ended', '200'])
    })

    test('DELETE of the own session is a logout', async () => {
      const login = await logInByCookie(stage())
      const cookies = cookiesFor('/', login.cookies)
      const answer = await stage().send({
        route: `DELETE /auth/sessions/${login.json.session.sid}`,
        headers: samePage,
        cookies,
      })
      expect([answer.status, answer.cookies.map(({ maxAge }) => maxAge)]).toEqual([204, [0, 0, 0]])
      expect((await stage().send({ route: 'GET /guarded', cookies })).summary).toBe('401 session_ended')
    })

    test('somebody else’s session is as unknown as one that never was, and stays', async () => {
      const [own, foreign] = [await stage().logIn(), await stage().logIn()]
      const answers = await Promise.all(
        [foreign.session.sid, ...unknownSids].flatMap((sid) => [
          stage().send({ route: `DELETE /auth/sessions/${sid}`, token: own.accessToken }),
          stage().send({ route: `PATCH /auth/sessions/${sid}`, token: own.accessToken, body: { name: 'mine' } }),
        ]),
      )
      expect(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size).toBe(1)
      expect(answers[0]!.summary).toBe('404 not_found')
      expect((await stage().send({ route: 'GET /guarded', token: foreign.accessToken })).status).toBe(200)
      expect((await stage().sessions.list(foreign.userId))[0]!.device.name).toBeNull()
    })
  })

  describe('where ending others takes a recent login', () => {
    const stage = stageFor(harness, {
      options: { from: 'either', revokeOthers: { requireRecentLogin: '5m', acr: 'strong' } },
    })

    test('it is asked for to end others, and not to leave (ASVS 7.5.2)', async () => {
      const [weak, strong] = [await stage().logIn(), await stage().logIn({ acr: 'strong' })]
      const other = await stage().logIn({ userId: strong.userId })
      const routes = [
        `DELETE /auth/sessions/${other.session.sid}`,
        'POST /auth/logout-others',
        'POST /auth/logout-everywhere',
      ]
      const refused = 'Bearer error="insufficient_user_authentication", acr_values="strong", max_age="300"'
      for (const route of routes) {
        const answer = await stage().send({ route, token: weak.accessToken })
        expect([answer.summary, answer.headers['www-authenticate']]).toEqual([
          '401 insufficient_user_authentication',
          refused,
        ])
      }
      const leave = { route: `DELETE /auth/sessions/${weak.session.sid}`, token: weak.accessToken }
      expect((await stage().send(leave)).status).toBe(204)
      for (const route of routes)
        expect((await stage().send({ route, token: strong.accessToken })).status).toBe(
          route.startsWith('DELETE') ? 204 : 200,
        )
    })
  })
}
