import type { Knex } from 'knex'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { RollcallError, TokenPair, Verified } from '../../src/index.js'
import { describeSql, type SqlSessions } from '../support/sql-stage.js'
import { openPage, type OpenPage } from './open-page.js'

const stores = { postgres: 'postgres', mariadb: 'mysql', mysql: 'mysql', sqlite: 'sqlite' }

describeSql('docs/password-change.md', (stage, engine) => {
  let page: OpenPage
  let knex: Knex
  let sessions: SqlSessions
  let heard: string[]

  beforeAll(async () => {
    const store = stores[engine]
    page = await openPage('docs/password-change.md', {
      'passwords.ts': 'export const hashPassword = async (password: string) => `hash of ${password}`\n',
      'database.ts': `import createKnex from 'knex'
export const knex = createKnex(${JSON.stringify(stage().database.config)})
`,
      'sessions.ts': `import { createKeyRing, createSessions, generateKeys } from 'rollcall'
import { ${store}Store } from 'rollcall/${store}'
import { knex } from './database.js'
const keys = await createKeyRing(await generateKeys())
export const sessions = createSessions({ store: ${store}Store(knex), keys, issuer: 'https://a.b', audience: 'https://a.b' })
`,
    })
    knex = (await page.load<{ knex: Knex }>('database.ts')).knex
    sessions = (await page.load<{ sessions: SqlSessions }>('sessions.ts')).sessions
    sessions.on('revoked', ({ userId }) => heard.push(userId))
    await knex.schema.createTable('users', (table) => {
      table.integer('id').primary()
      table.string('password_hash')
    })
    for (const file of page.files) await page.load(file)
  })
  afterAll(async () => {
    await sessions.close()
    await knex.destroy()
    await page.close()
  })

  let users = 0
  async function createUser(): Promise<{ userId: string; phone: TokenPair; laptop: TokenPair }> {
    const userId = String((users += 1))
    heard = []
    await knex('users').insert({ id: users, password_hash: 'hash of old' })
    return { userId, phone: await sessions.create({ userId }), laptop: await sessions.create({ userId }) }
  }
  const hashOf = async (userId: string): Promise<unknown> =>
    (await knex('users').where({ id: userId }).first<{ password_hash: string } | undefined>())?.password_hash
  const answerOf = (created: TokenPair): Promise<string> =>
    sessions.verify(created.accessToken).then(
      ({ userId }: Verified<object>) => `is ${userId}`,
      (error: RollcallError) => error.code,
    )

  test('"log out the other devices" changes the password and spares this device (ASVS 7.4.3)', async () => {
    const { userId, phone, laptop } = await createUser()
    const { changePassword } = await page.load<{ changePassword(...given: string[]): Promise<unknown> }>(
      'change-password.ts',
    )
    expect(await changePassword(userId, phone.session.sid, 'new')).toEqual({ revoked: 1, tokenVersion: 1 })
    expect(await hashOf(userId)).toBe('hash of new')
    expect([await answerOf(phone), await answerOf(laptop)]).toEqual([`is ${userId}`, 'session_ended'])
  })

  test('"log out everywhere and log in here again" leaves the new session alone', async () => {
    const { userId, phone, laptop } = await createUser()
    const { resetPassword } = await page.load<{
      resetPassword(userId: string, password: string, device: object): Promise<TokenPair>
    }>('reset-password.ts')
    const created = await resetPassword(userId, 'new', { name: 'Phone' })
    expect(await hashOf(userId)).toBe('hash of new')
    expect([await answerOf(phone), await answerOf(laptop)]).toEqual(['session_ended', 'session_ended'])
    expect(await answerOf(created)).toBe(`is ${userId}`)
    expect((await sessions.list(userId)).map(({ device }) => device.name)).toEqual(['Phone'])
  })

  test('a rollback leaves password, version and devices, and nobody hears a thing', async () => {
    const { userId, phone, laptop } = await createUser()
    const { changeAndFail } = await page.load<{ changeAndFail(userId: string): Promise<void> }>('page.ts')
    await expect(changeAndFail(userId)).rejects.toThrow('something else failed')
    expect(await hashOf(userId)).toBe('hash of old')
    expect(await sessions.tokenVersion(userId)).toBe(0)
    expect([await answerOf(phone), await answerOf(laptop)]).toEqual([`is ${userId}`, `is ${userId}`])
    expect(heard).toEqual([])
  })

  test('a login that was checked against the old password is refused', async () => {
    const { userId, phone } = await createUser()
    const { logInTooLate } = await page.load<{ logInTooLate(userId: string, sid: string): Promise<string> }>(
      'log-in-too-late.ts',
    )
    expect(await logInTooLate(userId, phone.session.sid)).toBe('token_version_moved')
    expect(await sessions.list(userId)).toHaveLength(1)
  })

  test('a disabled user is refused and gets the devices back when enabled (ASVS 7.4.2)', async () => {
    const { userId, phone } = await createUser()
    const { disableUser, enableUser } =
      await page.load<Record<string, (...given: string[]) => Promise<void>>>('disable-user.ts')
    await disableUser!(userId, 'support')
    expect(await answerOf(phone)).toBe('user_suspended')
    await expect(sessions.create({ userId })).rejects.toMatchObject({ code: 'user_suspended' })
    await enableUser!(userId, 'support')
    expect(await answerOf(phone)).toBe(`is ${userId}`)
  })

  test('a deleted user is refused, also when the id comes again (ASVS 7.4.2)', async () => {
    const { userId, phone } = await createUser()
    const { deleteUser } = await page.load<{ deleteUser(...given: string[]): Promise<void> }>('delete-user.ts')
    await deleteUser(userId, 'support')
    expect(await hashOf(userId)).toBeUndefined()
    expect(await answerOf(phone)).toBe('session_ended')
    expect(await sessions.tokenVersion(userId)).toBe(1)
  })
})
