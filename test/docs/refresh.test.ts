import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { Knex } from 'knex'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
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
import { createClient, type Device } from '../demo/demo-client.js'
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
  await page.close()
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
      sessions: Sessions<object, never>
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

  test('change the secret while no session ends', async () => {
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
    const [active, idle] = [await before.create({ userId: 'alice' }), await before.create({ userId: 'alice' })]
    const second = await deploy(behind).refresh(active.refreshToken)
    const third = await deploy(inFront).refresh(second.refreshToken)
    const fourth = await deploy(alone).refresh(third.refreshToken)
    expect([second, third, fourth].map(({ outcome }) => outcome)).toEqual(['rotated', 'rotated', 'rotated'])
    await expect(deploy(alone).refresh(idle.refreshToken)).rejects.toMatchObject({ code: 'key_unavailable' })
    expect((await deploy(inFront).refresh(idle.refreshToken)).outcome).toBe('rotated')
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

describe('the client of docs/refresh.md', () => {
  interface Pair {
    accessToken: string
    refreshToken: string
  }
  interface Client {
    createFetch(
      api: string,
      pairs: { load(): Promise<Pair>; save(pair: Pair): Promise<void> },
    ): (path: string, init?: RequestInit) => Promise<Response>
    LoginNeeded: new () => Error
  }

  let client: Client
  let phone: Device
  beforeEach(async () => {
    client = await page.load<Client>('client.ts')
    phone = await createClient(demo.url).logIn('phone')
  })

  /** As if the access token that the client has, and grace with it, had been over for long. */
  async function expire(): Promise<void> {
    await knex('rollcall_sessions').decrement('rotated_at', 60_000)
    await createClient(demo.url).refresh(phone.refreshToken)
    await knex('rollcall_sessions').decrement('rotated_at', 60_000)
  }

  function keep(pair: Pair): { saved: Pair[]; load(): Promise<Pair>; save(pair: Pair): Promise<void> } {
    const saved: Pair[] = []
    return {
      saved,
      load: () => Promise.resolve(saved.at(-1) ?? pair),
      save: (next) => Promise.resolve(void saved.push(next)),
    }
  }

  test('refreshes once for three requests at the same time, stores the pair, and goes on with it', async () => {
    await expire()
    const pairs = keep(phone)
    const send = client.createFetch(demo.url, pairs)
    const answers = await Promise.all([send('/api/me'), send('/api/me'), send('/auth/sessions')])
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200])
    expect(pairs.saved).toHaveLength(1)
    expect((await send('/auth/logout', { method: 'POST' })).status).toBe(204)
  })

  test('shows the token that is stored when it refreshes, not the one that its request began with', async () => {
    await expire()
    const { refreshToken, accessToken } = await createClient(demo.url).refresh(phone.refreshToken)
    expect(await createClient(demo.url).call('GET /api/me', accessToken)).toBe('200')
    const seen = [phone, { accessToken, refreshToken }]
    const pairs = { ...keep(phone), load: () => Promise.resolve(seen.shift()!) }
    expect((await client.createFetch(demo.url, pairs)('/api/me')).status).toBe(200)
    expect(seen).toEqual([])
  })

  test('sends the headers it is given', async () => {
    const send = client.createFetch(demo.url, keep(phone))
    const init = { method: 'PATCH', headers: { 'content-type': 'text/plain' }, body: '{"name":"mine"}' }
    expect((await send(`/auth/sessions/${phone.sid}`, init)).status).toBe(204)
  })

  test('keeps its token and asks again while the answer is a 503 or none', async () => {
    await expire()
    const shown: string[] = []
    const faults = [503, 503, 0]
    const proxy = createServer((request, response) => {
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      request.on('end', async () => {
        const body = Buffer.concat(chunks).toString()
        const isRefresh = request.url === '/auth/refresh'
        if (isRefresh) shown.push(body)
        const fault = isRefresh ? faults.shift() : undefined
        if (fault === 0) return response.destroy()
        if (fault !== undefined) return response.writeHead(fault, { 'retry-after': '0' }).end('{}')
        const headers = { authorization: request.headers.authorization ?? '' }
        const init = isRefresh ? { method: 'POST', body } : { headers }
        const answer = await fetch(demo.url + request.url, init)
        return response.writeHead(answer.status).end(await answer.text())
      })
    })
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
    const api = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`
    expect((await client.createFetch(api, keep(phone))('/api/me')).status).toBe(200)
    expect(shown).toHaveLength(4)
    expect(new Set(shown).size).toBe(1)
    await new Promise((resolve) => proxy.close(resolve))
  })

  test('asks for a login when the session has ended', async () => {
    await createClient(demo.url).call('POST /auth/logout', phone.accessToken)
    await expect(client.createFetch(demo.url, keep(phone))('/api/me')).rejects.toBeInstanceOf(client.LoginNeeded)
  })
})
