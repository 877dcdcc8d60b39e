import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Knex } from 'knex'
import { afterAll, afterEach, beforeAll, beforeEach, vi } from 'vitest'
import { createClient, type DemoClient } from '../demo/demo-client.js'
import { startDemo, type DemoProcess } from '../demo/demo-process.js'
import { makePlace, type Place } from '../demo/place.js'
import { createDatabase, type TestDatabase } from '../support/databases.js'
import { openPage, type OpenPage } from './open-page.js'
import { startScriptedProxy, type Scripted, type ScriptedProxy } from './scripted-proxy.js'

export interface Pair {
  readonly accessToken: string
  readonly refreshToken?: string | null
}

/** The storage of a client, in which a test can look and change what is there. */
export interface KeptPair {
  stored: Pair | null
  /** How often it was stored into or emptied. */
  saves: number
  load(): Promise<Pair | null>
  save(pair: Pair | null, insteadOf: Pair): Promise<void>
}

/** The client of docs/refresh.md, a proxy that answers it, and the demo behind that. All anew for each test but the demo. */
export interface ClientStage {
  createFetch(api: string, pairs: KeptPair): (path: string, init?: RequestInit) => Promise<Response>
  readonly LoginNeeded: new () => Error
  readonly proxy: ScriptedProxy
  /** The demo itself. */
  readonly demo: DemoClient
  readonly knex: Knex
  readonly phone: Pair & { readonly refreshToken: string; readonly sid: string }
  /** For how many seconds the client waited. Here it takes no time, but runs `onWait`. */
  readonly waits: readonly number[]
  onWait: () => void
  /** Asks the proxy by a client of its own: a tab. */
  ask(pairs: KeptPair): Promise<Response>
  /** The bodies of the refreshes so far. */
  refreshes(): string[]
}

export const me = 'GET /api/me'
export const refresh = 'POST /auth/refresh'
export const code = (status: number, name: string): Scripted => ({ status, body: JSON.stringify({ code: name }) })
export const expired: Scripted = code(401, 'token_expired')

export function keep(pair: Pair): KeptPair {
  const kept: KeptPair = {
    stored: pair,
    saves: 0,
    load: () => Promise.resolve(kept.stored),
    save(next, insteadOf) {
      if (kept.stored?.refreshToken === insteadOf.refreshToken) {
        kept.stored = next
        kept.saves += 1
      }
      return Promise.resolve()
    },
  }
  return kept
}

type Timer = (run: () => void, milliseconds: number) => void

/** Opened before all tests of the file. */
export function openClientStage(): ClientStage {
  const stage = {
    ask: (pairs: KeptPair) => stage.createFetch(stage.proxy.url, pairs)('/api/me'),
    refreshes: () => stage.proxy.seen.filter(({ route }) => route === refresh).map(({ body }) => body),
  } as { -readonly [Name in keyof ClientStage]: ClientStage[Name] } & { waits: number[] }
  let page: OpenPage
  let database: TestDatabase
  let place: Place
  let process: DemoProcess

  beforeAll(async () => {
    page = await openPage('docs/refresh.md', {
      'sessions.ts': "export const sessions = {} as import('rollcall').Sessions",
    })
    Object.assign(stage, await loadWithTimer(page))
    database = await createDatabase('sqlite')
    place = await makePlace(database.url)
    process = await startDemo(place.environment)
    stage.knex = database.knex()
    stage.demo = createClient(process.url)
  })
  afterAll(async () => {
    await process.stop()
    // All but the client have tests of their own.
    await page.close(page.files)
    await stage.knex.destroy()
    await database.drop()
    await place.remove()
  })
  beforeEach(async () => {
    stage.proxy = await startScriptedProxy(process.url)
    stage.phone = await stage.demo.logIn('phone')
    stage.waits = []
    stage.onWait = () => {}
    const timer: Timer = (run, milliseconds) => {
      stage.waits.push(milliseconds / 1_000)
      stage.onWait()
      setImmediate(run)
    }
    vi.stubGlobal('timerOfClient', timer)
  })
  afterEach(async () => {
    vi.restoreAllMocks()
    vi.unstubAllGlobals()
    await stage.proxy.close()
  })
  return stage
}

/** The same program with a `setTimeout` of its own, since the global one is also that of `fetch`. */
async function loadWithTimer(page: OpenPage): Promise<Pick<ClientStage, 'createFetch' | 'LoginNeeded'>> {
  const program = await readFile(join(page.folder, 'client.js'), 'utf8')
  const timer = 'const setTimeout = (...given) => globalThis.timerOfClient(...given)'
  await writeFile(join(page.folder, 'client-with-timer.js'), `${timer}\n${program}`)
  return page.load('client-with-timer.js')
}
