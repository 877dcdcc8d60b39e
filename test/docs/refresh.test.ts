import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Knex } from 'knex'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  createKeyRing,
  createSessions,
  generateKeys,
  type Refreshed,
  type RefreshSecret,
  type Sessions,
} from '../../src/index.js'
import { memoryStore } from '../../src/memory-store.js'
import type { Store } from '../../src/ports/store.js'
import { createFakeClock, type FakeClock } from '../conformance/fake-clock.js'
import { createClient } from '../demo/demo-client.js'
import { startDemo, type DemoProcess } from '../demo/demo-process.js'
import { makePlace, type Place } from '../demo/place.js'
import { createDatabase, type TestDatabase } from '../support/databases.js'
import { openPage, type OpenPage } from './open-page.js'
import { readPage } from './read-page.js'
import { makeKeys, talksToDemo, talkToDemo } from './run-shell.js'

const path = 'docs/refresh.md'
const { blocks } = readPage(path)
const issuer = 'https://api.example.com'

/** The app's own sessions, on a clock that a test can set. */
const ownSessions = `import { createKeyRing, createSessions, generateKeys } from 'rollcall'
import { memoryStore } from 'rollcall/memory'
import { createFakeClock } from 'rollcall/testing'
export const clock = createFakeClock()
export const store = memoryStore()
export const sessions = createSessions({
  store,
  keys: await createKeyRing(await generateKeys()),
  issuer: 'https://a.b',
  audience: 'https://a.b',
  refreshToken: { secret: 'thirty-two bytes or more of a test' },
  clock,
})
`

let page: OpenPage
let database: TestDatabase
let knex: Knex
let place: Place
let demo: DemoProcess
beforeAll(async () => {
  page = await openPage(path, { 'sessions.ts': ownSessions })
  database = await createDatabase('sqlite')
  knex = database.knex()
  place = await makePlace(database.url)
  demo = await startDemo(place.environment)
})
afterAll(async () => {
  await demo.stop()
  // Its own tests run it.
  await page.close(['client.ts'])
  await knex.destroy()
  await database.drop()
  await place.remove()
})

describe('the programs of docs/refresh.md', () => {
  test('log in and refresh', async () => {
    const { login, pair } = await page.load<Record<'login' | 'pair', Refreshed>>('page.ts')
    expect(pair).toMatchObject({ outcome: 'unchanged', refreshToken: login.refreshToken })
    expect(Object.keys(pair)).toEqual([...Object.keys(login), 'outcome'])
  })

  test('hear of a pair that is asked for again from elsewhere, and of reuse', async () => {
    const { heard } = await page.load<{ heard: string[] }>('alarms.ts')
    const { sessions, store, clock } = await page.load<{
      sessions: Sessions<object>
      store: Store
      clock: FakeClock
    }>('sessions.ts')
    const home = { ip: '192.0.2.1', userAgent: 'home' }
    const { refreshToken, session } = await sessions.create({ userId: 'alice', device: home })
    clock.advance(60_000)
    const { accessToken } = await sessions.refresh(refreshToken!, { device: home })
    await sessions.refresh(refreshToken!, { device: { ip: '192.0.2.2', userAgent: 'away' } })
    await sessions.verify(accessToken)
    const readUse = async () =>
      (await store.readForRefresh({ userId: 'alice', sid: session.sid }, {}))?.rotation?.usedAt
    await expect.poll(readUse).not.toBeNull()
    clock.advance(60_000)
    await expect(sessions.refresh(refreshToken!)).rejects.toMatchObject({ code: 'refresh_token_reused' })
    expect(heard).toEqual(['alice: redelivered elsewhere', `alice: successor_used, ended ${session.sid}`])
  })

  test('change the secret while no session ends, and one that is out stays unknown when they do', async () => {
    const { steps } = await page.load<{ steps: RefreshSecret[] }>('change-secret.ts')
    const [behind, inFront, alone] = steps as [[string, string], [string, string], string]
    const [store, keys] = [memoryStore(), await createKeyRing(await generateKeys())]
    const clock = createFakeClock()
    /** A minute later, with this setting. */
    const deploy = (secret: RefreshSecret) => {
      clock.advance(60_000)
      return createSessions({ store, keys, issuer, audience: issuer, refreshToken: { secret }, clock })
    }
    const before = deploy(behind[0]!)
    const logIn = () => before.create({ userId: 'alice' })
    const [active, idle, ended] = [await logIn(), await logIn(), await logIn()]
    const second = await deploy(behind).refresh(active.refreshToken)
    const third = await deploy(inFront).refresh(second.refreshToken)
    const fourth = await deploy(alone).refresh(third.refreshToken)
    expect([second, third, fourth].map(({ outcome }) => outcome)).toEqual(['rotated', 'rotated', 'rotated'])
    const last = deploy(alone)
    await expect(last.refresh(idle.refreshToken)).rejects.toMatchObject({ code: 'key_unavailable' })
    await before.revoke('alice', ended.session.sid)
    await expect(last.refresh(ended.refreshToken)).rejects.toMatchObject({ code: 'key_unavailable' })
    expect((await deploy(inFront).refresh(idle.refreshToken)).outcome).toBe('rotated')
  })

  test('leave it open whether there are refresh tokens', async () => {
    const { refreshToken } = await page.load<{ refreshToken: string | null }>('while-moving.ts')
    expect(refreshToken).toBeNull()
  })

  test('end the sessions from before refresh tokens, and no others', async () => {
    const client = createClient(demo.url)
    const [before, after] = [await client.logIn('phone'), await client.logIn('laptop')]
    await knex('rollcall_sessions').where({ sid: before.sid }).update({ refresh_hash: null })
    const statement = blocks.find(({ language }) => language === 'sql')
    await knex.raw(statement!.code)
    expect(await client.call('GET /api/me', before.accessToken)).toBe('401 session_ended')
    expect(await client.call('GET /api/me', after.accessToken)).toBe('200')
  })

  test('make a secret that is long enough', async () => {
    const [secret] = await makeKeys(path, page.folder)
    expect(Buffer.from(secret!, 'base64')).toHaveLength(32)
  })

  test('tell scanners what a refresh token looks like', async () => {
    const expression = blocks.find(({ language, code }) => language === 'text' && code.startsWith('rollcall_rt_'))
    const { refreshToken } = await createClient(demo.url).logIn('phone')
    expect(refreshToken).toMatch(new RegExp(`^${expression!.code.trim()}$`))
  })
})

describe('the lines of docs/refresh.md that talk to the demo', () => {
  test('print what the page says', async () => {
    // Instead of sleeping, all that was written grows older, by more than any grace.
    const age = join(page.folder, 'age.cjs')
    const file = JSON.stringify(database.url.replace('sqlite:', ''))
    await writeFile(
      age,
      `require('better-sqlite3')(${file}).exec('update rollcall_sessions set rotated_at = rotated_at - 60000')`,
    )
    const talks = await talkToDemo(path, demo.url, {
      first: `sleep() { NODE_PATH=node_modules node '${age}'; }`,
      replace: { 'demo/data/rollcall.sqlite': database.url.replace('sqlite:', '') },
    })
    expect(talks.filter(({ promised }) => promised !== '')).toHaveLength(6)
    expect(talks.map(({ place, printed }) => ({ place, printed }))).toEqual(
      talks.map(({ place, promised }) => ({ place, printed: promised })),
    )
  })

  test('sleep as long as the grace that the demo is started with needs', () => {
    const grace = blocks.map(({ code }) => /^REFRESH_GRACE=(\d+)s npm start$/m.exec(code)?.[1]).find(Boolean)
    const sleeps = blocks.filter(talksToDemo).flatMap(({ code }) => [...code.matchAll(/^sleep (\d+)$/gm)])
    expect(new Set(sleeps.map(([, seconds]) => Number(seconds)))).toEqual(new Set([Number(grace), Number(grace) + 5]))
  })
})
