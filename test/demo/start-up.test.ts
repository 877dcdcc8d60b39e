import { execFile } from 'node:child_process'
import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { failToStart, startDemo, type Environment } from './demo-process.js'
import { makePlace, type Place } from './place.js'

let place: Place
let environment: Environment
beforeEach(async () => {
  place = await makePlace()
  environment = place.environment
})
afterEach(() => place.remove())

test('a start prints the address, the database, the users, and three curl lines that a shell runs as they are', async () => {
  const demo = await startDemo(environment)
  const output = demo.output()
  expect(output).toContain(join(place.folder, 'demo.sqlite'))
  expect(output).toContain('this machine alone')
  expect(output).toContain('alice / wonderland, bob / builder')
  const lines = output.trimEnd().split('\n').slice(-3)
  const { stdout, stderr } = await promisify(execFile)('bash', ['--norc', '-eo', 'pipefail', '-c', lines.join('\n')])
  expect(stderr).toBe('')
  const [me, everywhere] = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown)
  expect(me).toMatchObject({ userId: 'alice', claims: { role: 'admin' } })
  expect(everywhere).toEqual({ revoked: 1 })
  expect(await demo.stop()).toBe(0)
})

test('the first start makes keys that nobody else may read', async () => {
  await (await startDemo(environment)).stop()
  expect((await stat(environment.KEYS_FILE)).mode & 0o777).toBe(0o600)
})

test.each([
  ['cut short', (text: string) => text.slice(0, 50)],
  ['empty', () => ''],
  ['of other JSON', () => '{"keys":[]}'],
])('a start fails with a key file that is %s, and leaves it as it is', async (_, damage) => {
  await (await startDemo(environment)).stop()
  const damaged = damage(await readFile(environment.KEYS_FILE, 'utf8'))
  await writeFile(environment.KEYS_FILE, damaged)
  expect(await failToStart(environment)).toEqual({
    code: 1,
    output: expect.stringMatching(/^rollcall demo: the key file .* is damaged .*\n$/),
  })
  expect(await readFile(environment.KEYS_FILE, 'utf8')).toBe(damaged)
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
