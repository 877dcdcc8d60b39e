import { describe, expect, test } from 'vitest'
import { codeOf, describeDemo, readBody } from './open-app.js'

describeDemo((app) => {
  async function statusOf(token: string): Promise<number> {
    return (await app.request('GET /api/me', { token })).status
  }

  test('GET /api/me tells who the token is for and on what it was accepted, and never the jti', async () => {
    const { accessToken, sid } = await app.logIn()
    const me = await readBody(await app.request('GET /api/me', { token: accessToken }))
    expect(me).toMatchObject({ userId: 'alice', sid, claims: { role: 'admin' }, source: 'store' })
    expect(me.checkedAt).toBe(new Date(app.clock.wall()).toISOString())
    expect(me).not.toHaveProperty('jti')
  })

  describe('GET /auth/sessions', () => {
    test('lists the devices of the user alone, newest first, and marks the one that asks', async () => {
      const phone = await app.logIn('alice', 'phone')
      app.clock.advance(1_000)
      await app.logIn('alice', 'laptop')
      await app.logIn('bob', 'tablet')
      const { sessions } = await readBody(await app.request('GET /auth/sessions', { token: phone.accessToken }))
      const seen = sessions.map(({ device, current }: { device: { name: string }; current: boolean }) => [
        device.name,
        current,
      ])
      expect(seen).toEqual([
        ['laptop', false],
        ['phone', true],
      ])
      expect(JSON.stringify(sessions)).not.toContain('jti')
    })
  })

  describe('DELETE /auth/sessions/:sid', () => {
    test('logs one device out at once and leaves the others', async () => {
      const [phone, laptop] = [await app.logIn('alice'), await app.logIn('alice')]
      const response = await app.request(`DELETE /auth/sessions/${laptop.sid}`, { token: phone.accessToken })
      expect([response.status, await response.text()]).toEqual([204, ''])
      expect([await statusOf(phone.accessToken), await statusOf(laptop.accessToken)]).toEqual([200, 401])
    })

    test("answers 404 for an unknown session and for another user's, which stays", async () => {
      const [alice, bob] = [await app.logIn('alice'), await app.logIn('bob')]
      for (const sid of [bob.sid, 'unknown', '%00', '%E0%A4%A', 'x'.repeat(500), '..%2f..']) {
        expect(await codeOf(await app.request(`DELETE /auth/sessions/${sid}`, { token: alice.accessToken }))).toBe(
          '404 not_found',
        )
      }
      expect(await statusOf(bob.accessToken)).toBe(200)
    })
  })

  describe('PATCH /auth/sessions/:sid', () => {
    test('names a device', async () => {
      const { accessToken, sid } = await app.logIn()
      const response = await app.request(`PATCH /auth/sessions/${sid}`, {
        token: accessToken,
        body: { name: 'old phone' },
      })
      expect(response.status).toBe(204)
      expect((await app.sessions.list('alice'))[0]?.device.name).toBe('old phone')
    })

    test("answers 404 for another user's session and 400 without a name", async () => {
      const [alice, bob] = [await app.logIn('alice'), await app.logIn('bob')]
      const foreign = await app.request(`PATCH /auth/sessions/${bob.sid}`, {
        token: alice.accessToken,
        body: { name: 'x' },
      })
      const nameless = await app.request(`PATCH /auth/sessions/${alice.sid}`, { token: alice.accessToken, body: {} })
      expect([await codeOf(foreign), await codeOf(nameless)]).toEqual(['404 not_found', '400 invalid_request'])
    })
  })

  describe('POST /auth/logout', () => {
    test('logs out this device alone, as often as it is asked to', async () => {
      const [phone, laptop] = [await app.logIn(), await app.logIn()]
      for (const _ of ['first', 'second']) {
        expect((await app.request('POST /auth/logout', { token: phone.accessToken })).status).toBe(204)
      }
      expect([await statusOf(phone.accessToken), await statusOf(laptop.accessToken)]).toEqual([401, 200])
    })

    test('takes an expired token, and logs nobody out by a forged one', async () => {
      const { accessToken } = await app.logIn()
      const forged = `${accessToken.slice(0, -6)}AAAAAA`
      expect((await app.request('POST /auth/logout', { token: forged })).status).toBe(401)
      expect(await statusOf(accessToken)).toBe(200)
      app.clock.advance(400 * 24 * 3_600_000)
      expect((await app.request('POST /auth/logout', { token: accessToken })).status).toBe(204)
    })
  })

  test('POST /auth/logout-others logs out every other device of this user', async () => {
    const [phone, laptop, tablet, bob] = [
      await app.logIn(),
      await app.logIn(),
      await app.logIn(),
      await app.logIn('bob'),
    ]
    const response = await app.request('POST /auth/logout-others', { token: phone.accessToken })
    expect([response.status, await readBody(response)]).toEqual([200, { revoked: 2 }])
    const statuses = await Promise.all([phone, laptop, tablet, bob].map(({ accessToken }) => statusOf(accessToken)))
    expect(statuses).toEqual([200, 401, 401, 200])
  })

  test('POST /auth/logout-everywhere logs out every device of this user, and a new login stands', async () => {
    const [phone, laptop, bob] = [await app.logIn(), await app.logIn(), await app.logIn('bob')]
    const response = await app.request('POST /auth/logout-everywhere', { token: phone.accessToken })
    expect([response.status, await readBody(response)]).toEqual([200, { revoked: 2 }])
    const tokens = [phone, laptop, bob, await app.logIn()]
    const statuses = await Promise.all(tokens.map(({ accessToken }) => statusOf(accessToken)))
    expect(statuses).toEqual([401, 401, 200, 200])
  })
})
