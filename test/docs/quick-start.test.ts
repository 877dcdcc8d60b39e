import type { Hono } from 'hono'
import type { Knex } from 'knex'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { JwkSet } from '../../src/index.js'
import { describeSql } from '../support/sql-stage.js'
import { createDatabase, type TestDatabase } from '../support/databases.js'
import { openPage, type OpenPage } from './open-page.js'
import { makeKeys } from './run-shell.js'

const passwords = `export const isPassword = async (password: string, hash: string) => hash === 'hash of ' + password\n`

interface LoggedIn {
  accessToken: string
  refreshToken: string
  session: { sid: string }
}

describeSql(
  'docs/quick-start.md',
  () => {
    let database: TestDatabase
    let knex: Knex
    let page: OpenPage
    let app: Hono

    beforeAll(async () => {
      database = await createDatabase('postgres')
      knex = database.knex()
      page = await openPage('docs/quick-start.md', { 'passwords.ts': passwords })
      const [keys, secret] = await makeKeys('docs/quick-start.md', page.folder)
      process.env['DATABASE_URL'] = database.url
      process.env['ROLLCALL_KEYS'] = keys
      process.env['ROLLCALL_REFRESH_SECRET'] = secret
      for (const file of page.files) await page.load(file)
      app = (await page.load<{ app: Hono }>('app.ts')).app
    })
    afterAll(async () => {
      const { stop } = await page.load<{ stop(): Promise<void> }>('stop.ts')
      await stop()
      await page.close()
      await database.drop()
    })

    async function call(method: string, path: string, token?: string, body?: object): Promise<Response> {
      const headers = {
        'User-Agent': 'curl/8',
        ...(token && { Authorization: `Bearer ${token}` }),
        ...(body && { 'Content-Type': 'application/json' }),
      }
      return app.request(path, { method, headers, ...(body && { body: JSON.stringify(body) }) })
    }
    async function logIn(password = 'right'): Promise<LoggedIn> {
      const response = await call('POST', '/login', undefined, { email: 'a@b.c', password })
      expect(response.status).toBe(200)
      return (await response.json()) as LoggedIn
    }
    async function createUsers(type: string, id: string): Promise<void> {
      await knex.raw('drop table if exists users')
      await knex.raw(`create table users (id ${type} primary key, email text, password_hash text, role text)`)
      await knex('users').insert({ id, email: 'a@b.c', password_hash: 'hash of right', role: 'member' })
    }

    test.each([
      ['integer', '42'],
      ['bigint', '9007199254740993'],
      ['uuid', '5f0c1e9e-6a5c-4d0f-9d8b-0a3f5be0c111'],
    ])('fits a users table with ids of the type %s', async (type, id) => {
      await createUsers(type, id)
      const [phone, laptop, tablet] = [await logIn(), await logIn(), await logIn()]
      const me = await call('GET', '/me', phone.accessToken)
      expect(await me.json()).toEqual({ userId: id, sid: phone.session.sid, role: 'member' })
      const { sessions } = (await (await call('GET', '/auth/sessions', phone.accessToken)).json()) as {
        sessions: { current: boolean; device: { userAgent: string } }[]
      }
      expect(sessions.map(({ device }) => device.userAgent)).toEqual(['curl/8', 'curl/8', 'curl/8'])
      expect(sessions.filter(({ current }) => current)).toHaveLength(1)

      const gone = await call('DELETE', `/auth/sessions/${laptop.session.sid}`, phone.accessToken)
      expect(gone.status).toBe(204)
      expect((await call('DELETE', '/auth/sessions/unknown', phone.accessToken)).status).toBe(404)
      const refused = await call('GET', '/me', laptop.accessToken)
      expect(refused.status).toBe(401)
      expect(refused.headers.get('WWW-Authenticate')).toBe('Bearer error="invalid_token"')
      expect(await refused.json()).toMatchObject({ code: 'session_ended' })

      expect((await call('POST', '/auth/logout', tablet.accessToken)).status).toBe(204)
      expect((await call('GET', '/me', tablet.accessToken)).status).toBe(401)
      const everywhere = await call('POST', '/auth/logout-everywhere', phone.accessToken)
      expect(await everywhere.json()).toEqual({ revoked: 1 })
      expect((await call('GET', '/me', phone.accessToken)).status).toBe(401)
    })

    test('refreshes, and logs out by a refresh token', async () => {
      await createUsers('integer', '5')
      const { accessToken, refreshToken } = await logIn()
      const refreshed = await call('POST', '/auth/refresh', undefined, { refreshToken })
      expect(await refreshed.json()).toMatchObject({ outcome: 'unchanged', refreshToken })
      expect((await call('GET', '/me', accessToken)).status).toBe(200)
      expect((await call('POST', '/auth/logout', undefined, { refreshToken })).status).toBe(204)
      const ended = await call('POST', '/auth/refresh', undefined, { refreshToken })
      expect([ended.status, await ended.json()]).toMatchObject([401, { code: 'session_ended' }])
      expect((await call('GET', '/me', accessToken)).status).toBe(401)
    })

    test('lets support log a user out, and says so in the events', async () => {
      await createUsers('integer', '6')
      const { accessToken } = await logIn()
      const { logOutUser } = await page.load<{ logOutUser(userId: string, supporter: string): Promise<unknown> }>(
        'support.ts',
      )
      expect(await logOutUser('6', 'sam')).toMatchObject({ revoked: 1 })
      expect((await call('GET', '/me', accessToken)).status).toBe(401)
      const [event] = (await knex('rollcall_events').where({ user_id: '6' })) as { actor: string; reason: string }[]
      expect(event).toMatchObject({ actor: 'sam', reason: 'support' })
    })

    test('refuses what is no login', async () => {
      await createUsers('integer', '1')
      const wrong = await call('POST', '/login', undefined, { email: 'a@b.c', password: 'wrong' })
      expect([wrong.status, await wrong.json()]).toEqual([401, { code: 'wrong_password' }])
      expect((await call('POST', '/login', undefined, { email: 'x@y.z', password: 'right' })).status).toBe(401)
      expect((await call('POST', '/login', undefined, { email: ['a@b.c'], password: 'right' })).status).toBe(401)
      const none = await call('GET', '/me')
      expect([none.status, none.headers.get('WWW-Authenticate')]).toEqual([401, 'Bearer'])
      expect((await call('GET', '/me', 'forged')).status).toBe(401)
      expect((await app.request('/login', { method: 'POST', body: '{' })).status).toBe(401)
    })

    test('answers 503 and no challenge while the tables are away', async () => {
      await createUsers('integer', '2')
      const { accessToken } = await logIn()
      await knex.raw('alter table rollcall_sessions rename to away')
      const response = await call('GET', '/me', accessToken)
      await knex.raw('alter table away rename to rollcall_sessions')
      expect(response.status).toBe(503)
      expect(response.headers.get('WWW-Authenticate')).toBeNull()
      expect(response.headers.get('Retry-After')).toBe('1')
      expect((await call('GET', '/me', accessToken)).status).toBe(200)
    })

    test('logs a user out whose role changes, and gives the next login the new one (ASVS 8.3.2)', async () => {
      await createUsers('integer', '3')
      const before = await logIn()
      const { changeRole } = await page.load<{ changeRole(...given: string[]): Promise<void> }>('change-role.ts')
      await changeRole('3', 'admin', 'support')
      expect((await call('GET', '/me', before.accessToken)).status).toBe(401)
      const after = await call('GET', '/me', (await logIn()).accessToken)
      expect(await after.json()).toMatchObject({ role: 'admin' })
    })

    test('gives a shared computer half an hour', async () => {
      await createUsers('integer', '4')
      const { logInOnSharedComputer } = await page.load<{
        logInOnSharedComputer(userId: string): Promise<{ session: { createdAt: Date; idleExpiresAt: Date } }>
      }>('remember.ts')
      const { session } = await logInOnSharedComputer('4')
      expect(session.idleExpiresAt.getTime() - session.createdAt.getTime()).toBe(30 * 60_000)
    })

    test('makes keys', async () => {
      const [keys, secret] = await makeKeys('docs/quick-start.md', page.folder)
      expect(secret).toHaveLength(45)
      expect((JSON.parse(keys!) as JwkSet).keys).toHaveLength(1)
    })
  },
  ['postgres'],
)
