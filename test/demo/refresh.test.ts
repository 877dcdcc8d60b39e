import { beforeEach, describe, expect, test } from 'vitest'
import { codeOf, describeDemo, readBody, type LoggedIn } from './open-app.js'

const graceOver = 31_000
const redeliveryOver = 36_000

describeDemo((app) => {
  let phone: LoggedIn
  beforeEach(async () => {
    phone = await app.logIn()
  })

  function refresh(refreshToken: unknown): Promise<Response> {
    return app.request('POST /auth/refresh', { body: { refreshToken } })
  }

  async function meets(token: string): Promise<string> {
    const response = await app.request('GET /api/me', { token })
    return response.status === 200 ? '200' : codeOf(response)
  }

  describe('POST /auth/refresh', () => {
    test('answers the next pair, the session and what happened, which no cache keeps', async () => {
      app.clock.advance(graceOver)
      const response = await refresh(phone.refreshToken)
      expect([response.status, response.headers.get('cache-control')]).toEqual([200, 'no-store'])
      const pair = await readBody(response)
      expect(pair).toMatchObject({ outcome: 'rotated', session: { sid: phone.sid, device: { name: 'phone' } } })
      expect(pair.refreshToken).not.toBe(phone.refreshToken)
      expect(await meets(pair.accessToken)).toBe('200')
      expect(JSON.stringify(pair.session)).not.toMatch(/jti|hash|salt/)
    })

    test('gives twenty callers at once the same refresh token and an access token each that is accepted', async () => {
      app.clock.advance(graceOver)
      const pairs = await Promise.all(
        Array.from({ length: 20 }, async () => readBody(await refresh(phone.refreshToken))),
      )
      expect(new Set(pairs.map(({ refreshToken }) => refreshToken)).size).toBe(1)
      expect(pairs.filter(({ outcome }) => outcome === 'rotated')).toHaveLength(1)
      expect(await Promise.all(pairs.map(({ accessToken }) => meets(accessToken)))).toEqual(pairs.map(() => '200'))
    })

    test('asks for a refresh when the access token has expired, and gives one that is accepted', async () => {
      app.clock.advance(11 * 60_000)
      expect(await meets(phone.accessToken)).toBe('401 token_expired')
      const { accessToken } = await readBody(await refresh(phone.refreshToken))
      expect(await meets(accessToken)).toBe('200')
    })

    test('notes the user agent that asked', async () => {
      app.clock.advance(graceOver)
      const headers = { 'user-agent': 'curl/9.0' }
      await app.request('POST /auth/refresh', { headers, body: { refreshToken: phone.refreshToken } })
      expect((await app.sessions.list('alice'))[0]?.device).toMatchObject({ name: 'phone', userAgent: 'curl/9.0' })
    })

    test('answers refresh_token_reused to a spent token, and session_ended from then on', async () => {
      const laptop = await app.logIn()
      app.clock.advance(graceOver)
      const pair = await readBody(await refresh(phone.refreshToken))
      expect(await meets(pair.accessToken)).toBe('200')
      app.clock.advance(redeliveryOver)
      const reused = await refresh(phone.refreshToken)
      expect(reused.headers.get('www-authenticate')).toBe('Bearer error="invalid_token"')
      expect(await codeOf(reused)).toBe('401 refresh_token_reused')
      for (const token of [phone.refreshToken, pair.refreshToken])
        expect(await codeOf(await refresh(token))).toBe('401 session_ended')
      expect(await meets(pair.accessToken)).toBe('401 session_ended')
      expect((await refresh(laptop.refreshToken)).status).toBe(200)
    })

    test('refuses the tokens of a session that was logged out and of a user who is suspended', async () => {
      const laptop = await app.logIn()
      await app.request('POST /auth/logout', { token: phone.accessToken })
      expect(await codeOf(await refresh(phone.refreshToken))).toBe('401 session_ended')
      await app.sessions.suspend('alice')
      expect(await codeOf(await refresh(laptop.refreshToken))).toBe('401 user_suspended')
    })

    test('asks for the token again, and no login, while the store is behind it', async () => {
      app.clock.advance(graceOver)
      const { readForRefresh } = app.store
      const key = { userId: 'alice', sid: phone.sid }
      const before = await readForRefresh.call(app.store, key, {})
      const pair = await readBody(await refresh(phone.refreshToken))
      Object.assign(app.store, { readForRefresh: () => Promise.resolve(before) })
      const behind = await refresh(pair.refreshToken)
      expect([behind.headers.get('retry-after'), await codeOf(behind)]).toEqual(['1', '503 store_behind'])
      Object.assign(app.store, { readForRefresh })
      expect((await refresh(pair.refreshToken)).status).toBe(200)
    })
  })

  describe('POST /auth/refresh with a bad input', () => {
    test.each([
      ['no body', undefined, '401 token_missing'],
      ['malformed JSON', '{"refreshToken":', '400 invalid_request'],
      ['a list', '[]', '400 invalid_request'],
      ['no token', {}, '400 invalid_request'],
      ['a number', { refreshToken: 1 }, '400 invalid_request'],
      ['null', { refreshToken: null }, '400 invalid_request'],
      ['a list with a token', { refreshToken: ['x'] }, '400 invalid_request'],
      ['an empty text', { refreshToken: '' }, '401 refresh_token_invalid'],
      ['garbage', { refreshToken: 'garbage \0 \ud800' }, '401 refresh_token_invalid'],
      ['a token of 16 KB', { refreshToken: 'x'.repeat(16_300) }, '401 refresh_token_invalid'],
      ['more than 16 KB', { refreshToken: 'x'.repeat(16_384) }, '413 request_too_large'],
      ['a megabyte', { refreshToken: 'x'.repeat(1_000_000) }, '413 request_too_large'],
    ])('answers a 4xx to %s', async (_, body, answer) => {
      expect(await codeOf(await app.request('POST /auth/refresh', { body }))).toBe(answer)
      expect(app.reported).toEqual([])
    })

    test('takes no access token, and GET /api/me no refresh token', async () => {
      expect(await codeOf(await refresh(phone.accessToken))).toBe('401 refresh_token_invalid')
      expect(await meets(phone.refreshToken)).toBe('401 token_malformed')
    })

    test('takes the token from the body alone', async () => {
      const response = await app.request('POST /auth/refresh', { token: phone.refreshToken })
      expect(await codeOf(response)).toBe('401 token_missing')
    })

    test('refuses any altered token and ends no session by it', async () => {
      const { refreshToken } = phone
      const altered = [
        refreshToken.toUpperCase(),
        ` ${refreshToken}`,
        `${refreshToken}=`,
        refreshToken.replace('rollcall', 'rolecall'),
        ...Array.from(refreshToken, (character, at) => {
          const other = character === 'A' ? 'B' : 'A'
          return refreshToken.slice(0, at) + other + refreshToken.slice(at + 1)
        }),
      ]
      const answers = await Promise.all(altered.map(async (token) => codeOf(await refresh(token))))
      // Within the name of the secret, it may be one that another process has.
      expect(new Set(answers)).toEqual(new Set(['401 refresh_token_invalid', '503 key_unavailable']))
      // Or one that anybody made up.
      expect(app.reported).toEqual([])
      expect((await refresh(refreshToken)).status).toBe(200)
    })
  })

  describe('POST /auth/logout', () => {
    const logOut = (body: unknown): Promise<Response> => app.request('POST /auth/logout', { body })

    test('takes the refresh token from the body, when it is all that is left', async () => {
      const laptop = await app.logIn()
      for (const _ of ['first', 'second']) expect((await logOut({ refreshToken: phone.refreshToken })).status).toBe(204)
      expect([await meets(phone.accessToken), await meets(laptop.accessToken)]).toEqual(['401 session_ended', '200'])
    })

    test('takes a spent one, too', async () => {
      app.clock.advance(graceOver)
      const pair = await readBody(await refresh(phone.refreshToken))
      expect((await logOut({ refreshToken: phone.refreshToken })).status).toBe(204)
      expect(await meets(pair.accessToken)).toBe('401 session_ended')
    })

    test('goes by the Authorization header where it offers a token', async () => {
      const laptop = await app.logIn()
      const body = { refreshToken: phone.refreshToken }
      expect((await app.request('POST /auth/logout', { token: laptop.accessToken, body })).status).toBe(204)
      expect([await meets(phone.accessToken), await meets(laptop.accessToken)]).toEqual(['200', '401 session_ended'])
    })

    test('goes by the body beside an Authorization header of another scheme', async () => {
      const headers = { authorization: 'Basic YTpi' }
      const body = { refreshToken: phone.refreshToken }
      expect((await app.request('POST /auth/logout', { headers, body })).status).toBe(204)
      expect(await meets(phone.accessToken)).toBe('401 session_ended')
    })

    test.each([
      ['garbage', '{', '400 invalid_request'],
      ['no token', {}, '400 invalid_request'],
      ['a number', { refreshToken: 1 }, '400 invalid_request'],
      ['a forged token', { refreshToken: 'rollcall_rt_x' }, '401 refresh_token_invalid'],
      ['more than 16 KB', { refreshToken: 'x'.repeat(16_384) }, '413 request_too_large'],
    ])('answers a 4xx to %s in the body, and logs nobody out', async (_, body, answer) => {
      expect(await codeOf(await logOut(body))).toBe(answer)
      expect(await meets(phone.accessToken)).toBe('200')
    })
  })
})
