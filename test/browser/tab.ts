import type { BrowserContext, Page } from 'playwright-core'
import { expect } from 'vitest'
import type { ClientDuration, CurrentSession, SessionClient, SessionEnd } from '../../src/client/types.js'
import type { BrowserStage } from './browser-stage.js'
import type { Site } from './site.js'

export interface Heard {
  readonly event: string
  /** Epoch milliseconds by the machine's clock, whatever the page's says. */
  readonly at: number
  /** As JSON makes it. */
  readonly value: Partial<SessionEnd> & Partial<CurrentSession> & { readonly outcome?: string }
}

/** What came of a request. */
export interface Asked {
  /** 0: it was rejected. */
  readonly status: number
  readonly text: string
  /** Milliseconds. */
  readonly took: number
  /** Of the error, where it was rejected. */
  readonly name?: string
  readonly code?: string | null
}

export interface ClientSetup {
  readonly mode?: 'cookie' | 'bearer'
  readonly baseUrl?: string
  /** Of bearer mode: `localStorage`. Default: memory. */
  readonly storage?: 'local'
  readonly expiringBefore?: ClientDuration
}

declare global {
  // What test/fixtures/browser-page.mjs makes.
  var client: SessionClient
  var heard: Heard[]
  var openClient: (setup: ClientSetup & { mode: 'cookie' | 'bearer' }) => void
  var ask: (send: () => Promise<Response>) => Promise<Asked>
  var isReady: boolean
}

/** A page with a client, and what a test does with it. */
export interface Tab {
  readonly page: Page
  logIn(username?: 'alice' | 'bob', device?: string): Promise<Asked>
  /** By the client. */
  fetch(input: string, init?: RequestInit): Promise<Asked>
  /** The session as the client has it, as JSON makes it: `null`, `undefined`, or with its `sid`. */
  session(): Promise<{ sid: string; userId: string } | null | undefined>
  sid(): Promise<string>
  /** All of this name so far. */
  heard(event: string): Promise<Heard[]>
  /** Resolves when one of this name was heard, to the first. */
  hears(event: string, within?: number): Promise<Heard>
  /** Runs a verb of the client that answers nothing, and tells what came of it. */
  does(verb: 'revoke' | 'revokeOthers' | 'revokeAll' | 'logout' | 'current', ...given: string[]): Promise<Asked>
}

const passwords = { alice: 'wonderland', bob: 'builder' }

export async function openTab(context: BrowserContext, origin: string, setup: ClientSetup = {}): Promise<Tab> {
  const page = await context.newPage()
  const broken = new Promise<never>((_, reject) => page.once('pageerror', reject))
  broken.catch(() => {})
  await page.goto(`${origin}/blank.html`)
  const { mode = 'cookie', ...rest } = setup
  await Promise.race([page.waitForFunction(() => globalThis.isReady), broken])
  await page.evaluate((options) => globalThis.openClient(options), { mode, ...rest })
  const base = setup.baseUrl ?? ''

  const heard = (event: string): Promise<Heard[]> =>
    page.evaluate((name) => globalThis.heard.filter((one) => one.event === name), event)

  return {
    page,
    logIn: (username = 'alice', device = 'a browser') =>
      page.evaluate(
        ([url, body]) =>
          globalThis.ask(() =>
            globalThis.client.logIn(url!, {
              method: 'POST',
              headers: { 'Content-Type': 'application/json' },
              body: body!,
            }),
          ),
        [
          `${base}/login`,
          JSON.stringify({ username, password: passwords[username], device: { name: device }, mode }),
        ] as const,
      ),
    fetch: (input, init) =>
      page.evaluate(([input, init]) => globalThis.ask(() => globalThis.client.fetch(input, init)), [
        input.startsWith('/') ? base + input : input,
        init,
      ] as const),
    session: () =>
      page.evaluate(() => {
        const { session } = globalThis.client
        return session && { sid: session.sid, userId: session.userId }
      }),
    sid: () => page.evaluate(() => globalThis.client.session!.sid),
    heard,
    async hears(event, within = 5_000) {
      await page.waitForFunction((name) => globalThis.heard.some((one) => one.event === name), event, {
        timeout: within,
        polling: 20,
      })
      const [first] = await heard(event)
      return first!
    },
    does: (verb, ...given) =>
      page.evaluate(
        ([verb, given]) =>
          globalThis.ask(async () => {
            const call = globalThis.client[verb] as (...given: string[]) => Promise<unknown>
            return Response.json((await call(...given)) ?? null)
          }),
        [verb, given] as const,
      ),
  }
}

/** A browser of its own that is logged in and listens. */
export async function openDevice(
  stage: BrowserStage,
  site: Site,
  name: string,
  { username = 'alice', ...setup }: ClientSetup & { readonly username?: 'alice' | 'bob' } = {},
): Promise<Tab> {
  const tab = await openTab(await stage.openDevice(), site.url, setup)
  expect(await tab.logIn(username, name)).toMatchObject({ status: 200 })
  const sid = await tab.sid()
  await expect.poll(() => site.streams(sid)).toBe(1)
  return tab
}

/** Nobody was logged out: no tab has heard of an end, and each is let in. */
export async function expectLoggedIn(...tabs: readonly Tab[]): Promise<void> {
  for (const tab of tabs) {
    expect(await tab.heard('ended')).toEqual([])
    expect(await tab.heard('expired')).toEqual([])
    expect(await tab.fetch('/api/me')).toMatchObject({ status: 200 })
  }
}

/** Waits until the access token that the browser has is over, of which scripts are told its time alone. */
export async function untilExpired(tab: Tab): Promise<void> {
  const expiry = (await tab.page.context().cookies()).find(({ name }) => name === '__Host-rollcall-expiry')?.value
  const over = expiry === undefined ? await tab.page.evaluate(readExpiry) : /access(?:=|%3D)(\d+)/.exec(expiry)![1]
  await expect.poll(() => Date.now(), { timeout: 10_000, interval: 20 }).toBeGreaterThan(Number(over) * 1_000)
}

/** Of the token in the storage, in epoch seconds. */
function readExpiry(): number {
  const [, payload] = /"accessToken":"[^".]+\.([^".]+)/.exec(Object.values(localStorage).join())!
  return (JSON.parse(atob(payload!.replaceAll('-', '+').replaceAll('_', '/'))) as { exp: number }).exp
}
