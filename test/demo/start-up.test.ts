import { execFile } from 'node:child_process'
import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { decodeJwt } from 'jose'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createClient } from './demo-client.js'
import { failToStart, startDemo, type Environment } from './demo-process.js'
import { frameworkNames } from './open-app.js'
import { makePlace, type Place } from './place.js'

let place: Place
let environment: Environment
beforeEach(async () => {
  place = await makePlace()
  environment = place.environment
})
afterEach(() => place.remove())

test('a start prints the address, the database, the users, and curl lines that a shell runs as they are', async () => {
  const demo = await startDemo(environment)
  const output = demo.output()
  expect(output).toContain(join(place.folder, 'demo.sqlite'))
  expect(output).toContain('this machine alone')
  expect(output).toContain('framework hono (npm start -- --framework hono | express | fastify)')
  expect(output).toContain('alice / wonderland, bob / builder')
  expect(output).toMatch(/"unchanged": its pair is younger than REFRESH_GRACE/)
  const [me, everywhere, after] = await paste(output.trimEnd().split('\n').slice(-4))
  expect(me).toMatchObject({ userId: 'alice', claims: { role: 'admin' } })
  expect([everywhere, after]).toEqual([{ revoked: 1 }, expect.objectContaining({ code: 'session_ended' })])
  expect(await demo.stop()).toBe(0)
})

test.each(frameworkNames)('--framework %s serves by it, says so, and its lines run as they are', async (framework) => {
  const demo = await startDemo(environment, ['--framework', framework])
  expect(demo.output()).toContain(`\nframework ${framework} (`)
  const response = await fetch(demo.url)
  // Of the three, Express alone marks what it sends with a tag.
  expect([response.status, response.headers.has('etag')]).toEqual([200, framework === 'express'])
  const [me] = await paste(demo.output().trimEnd().split('\n').slice(-4))
  expect(me).toMatchObject({ userId: 'alice', claims: { role: 'admin' } })
  expect(await demo.stop()).toBe(0)
})

test.each([
  ['another framework', ['--framework', 'koa'], "not 'koa'"],
  ['a name that every object has', ['--framework=toString'], "not 'toString'"],
  ['no framework', ['--framework'], 'argument missing'],
  ['an unknown option', ['--port', '80'], "Unknown option '--port'"],
  ['a word', ['express'], "Unexpected argument 'express'"],
])('a start with %s fails in one line that names the choices', async (_, given, reason) => {
  const { code, output } = await failToStart(environment, given)
  expect([code, output]).toEqual([
    1,
    expect.stringMatching(/^rollcall demo: the one option is --framework hono \| express \| fastify: .*\n$/),
  ])
  expect(output).toContain(reason)
})

test('above them, two lines log in and refresh', async () => {
  const demo = await startDemo(environment)
  const lines = demo.output().trimEnd().split('\n')
  const first = lines.findIndex((line) => line.startsWith('REFRESH='))
  const [pair] = await paste(lines.slice(first, first + 2))
  expect(pair).toMatchObject({ outcome: 'unchanged', refreshToken: expect.stringMatching(/^rollcall_rt_/) })
  const [again, me, everywhere] = await paste(lines.slice(first))
  expect([again, me]).toEqual([expect.objectContaining({ outcome: 'unchanged' }), expect.anything()])
  expect(everywhere).toEqual({ revoked: 3 })
  expect(await demo.stop()).toBe(0)
})

/** Runs the lines in a shell; answers the JSON of each line they print. */
async function paste(lines: readonly string[]): Promise<unknown[]> {
  const { stdout, stderr } = await promisify(execFile)('bash', ['--norc', '-eo', 'pipefail', '-c', lines.join('\n')])
  expect(stderr).toBe('')
  const printed = stdout.trimEnd().split('\n')
  return printed.map((line) => JSON.parse(line) as unknown)
}

const secretFiles = ['keys.json', 'refresh-secret.txt']

test.each(secretFiles)('the first start makes a %s that nobody else may read', async (name) => {
  await (await startDemo(environment)).stop()
  expect((await stat(join(place.folder, name))).mode & 0o777).toBe(0o600)
})

test('the secret of the refresh tokens is 32 random bytes as text, in the file that REFRESH_SECRET_FILE names', async () => {
  const secrets: string[] = []
  for (const name of ['one.txt', 'two.txt']) {
    const REFRESH_SECRET_FILE = join(place.folder, name)
    await (await startDemo({ ...environment, REFRESH_SECRET_FILE })).stop()
    secrets.push(await readFile(REFRESH_SECRET_FILE, 'utf8'))
  }
  expect(secrets.map((text) => Buffer.from(text, 'base64').length)).toEqual([32, 32])
  expect(secrets[0]).not.toBe(secrets[1])
  expect(await readdir(place.folder)).not.toContain('refresh-secret.txt')
})

test.each([
  ['keys.json', 'cut short', (text: string) => text.slice(0, 50)],
  ['keys.json', 'empty', () => ''],
  ['keys.json', 'of other JSON', () => '{"keys":[]}'],
  ['refresh-secret.txt', 'cut short', (text: string) => text.slice(0, 43)],
  ['refresh-secret.txt', 'empty', () => ''],
  ['refresh-secret.txt', 'no base64', () => 'a password of more than forty-three characters'],
])('a start fails with a %s that is %s, and leaves it as it is', async (name, _, damage) => {
  await (await startDemo(environment)).stop()
  const file = join(place.folder, name)
  const damaged = damage(await readFile(file, 'utf8'))
  await writeFile(file, damaged)
  expect(await failToStart(environment)).toEqual({
    code: 1,
    output: expect.stringMatching(/^rollcall demo: the (key|refresh secret) file .* is damaged .*\n$/),
  })
  expect(await readFile(file, 'utf8')).toBe(damaged)
})

test.each([
  ['ACCESS_LIFETIME', 'soon'],
  ['ACCESS_LIFETIME', '31d'],
  ['ACCESS_LIFETIME', '-1m'],
  ['REFRESH_GRACE', '0'],
  ['REFRESH_GRACE', '2h'],
  ['SESSION_LIFETIME', '1.5d'],
  ['IDLE_LIFETIME', '10 m'],
])('a start with %s=%s fails in one line that names the variable', async (name, value) => {
  expect(await failToStart({ ...environment, [name]: value })).toEqual({
    code: 1,
    output: expect.stringMatching(new RegExp(`^rollcall demo: ${name} must be from .*\n$`)),
  })
})

test('the environment sets the lifetimes, and an empty variable sets nothing', async () => {
  const lifetimes = { ACCESS_LIFETIME: '60000', SESSION_LIFETIME: '2h', IDLE_LIFETIME: '1h', REFRESH_GRACE: '' }
  const demo = await startDemo({ ...environment, ...lifetimes })
  const { accessToken } = await createClient(demo.url).logIn('phone')
  const { exp, iat } = decodeJwt(accessToken)
  expect(exp! - iat!).toBeGreaterThanOrEqual(56)
  expect(exp! - iat!).toBeLessThanOrEqual(60)
  const { sessions } = (await createClient(demo.url).body('GET /auth/sessions', accessToken)) as {
    sessions: Record<'createdAt' | 'expiresAt' | 'idleExpiresAt', string>[]
  }
  const { createdAt, expiresAt, idleExpiresAt } = sessions[0]!
  const hoursAfterLogin = (time: string): number => (Date.parse(time) - Date.parse(createdAt)) / 3_600_000
  expect([hoursAfterLogin(expiresAt), hoursAfterLogin(idleExpiresAt)]).toEqual([2, 1])
  await demo.stop()
})

test.each([
  ['mssql://sa:secret@127.0.0.1/db', /^rollcall demo: DATABASE_URL must begin with .*, not 'mssql:'\n$/],
  ['demo.sqlite', /^rollcall demo: DATABASE_URL must begin with .*\n$/],
  ['sqlite:', /^rollcall demo: DATABASE_URL names no SQLite file.*\n$/],
  ['postgres://', /^rollcall demo: .*\n$/],
  [
    'postgres://root:secret@127.0.0.1:1/db',
    /^rollcall demo: can't use the Postgres at 127\.0\.0\.1:1\/db: .*ECONNREFUSED.*\n$/,
  ],
  [
    'mysql://root:secret@127.0.0.1:1/db',
    /^rollcall demo: can't use the MySQL or MariaDB at 127\.0\.0\.1:1\/db: .*ECONNREFUSED.*\n$/,
  ],
  ['sqlite:/dev/null/demo.sqlite', /^rollcall demo: .*\n$/],
])('a start with DATABASE_URL=%s fails in one line that tells why and no password', async (DATABASE_URL, line) => {
  const { code, output } = await failToStart({ ...environment, DATABASE_URL })
  expect([code, output]).toEqual([1, expect.stringMatching(line)])
  expect(output).not.toContain('secret')
})

test('a start fails in one line when the port is taken or is none', async () => {
  const demo = await startDemo(environment)
  const taken = await failToStart({ ...environment, PORT: new URL(demo.url).port })
  expect([taken.code, taken.output]).toEqual([1, expect.stringMatching(/^rollcall demo: .*EADDRINUSE.*\n$/)])
  const none = await failToStart({ ...environment, PORT: 'http' })
  expect([none.code, none.output]).toEqual([1, expect.stringMatching(/^rollcall demo: PORT must be .*\n$/)])
  await demo.stop()
})
