import type { BrowserContext } from 'playwright-core'
import { expect, test } from 'vitest'
import { openBrowserStage, report } from './browser-stage.js'
import type { Site } from './site.js'
import { expectLoggedIn, openTab, untilExpired, type ClientSetup, type Tab } from './tab.js'

const stage = openBrowserStage()

/** A page of one origin, and the server of another, which lets it in. */
async function openTwoOrigins(): Promise<{ server: Site; pages: Site; setup: ClientSetup }> {
  const pages = await stage.openSite()
  const server = await stage.openSite({ accessLifetime: '2s', corsOrigins: [pages.url] })
  return { server, pages, setup: { mode: 'bearer', storage: 'local', baseUrl: server.url } }
}

/** All addresses that the browser asks for. */
function listenForUrls(browser: BrowserContext): string[] {
  const urls: string[] = []
  browser.on('request', (request) => urls.push(request.url()))
  return urls
}

test('A page of another origin is logged in by header, over expiries, and no token is in any address or cookie', async () => {
  const { server, pages, setup } = await openTwoOrigins()
  const browser = await stage.openDevice()
  const urls = listenForUrls(browser)
  const tab = await openTab(browser, pages.url, setup)
  expect(await tab.logIn()).toMatchObject({ status: 200 })
  for (let expiry = 0; expiry < 3; expiry += 1) {
    await untilExpired(tab)
    await expectLoggedIn(tab)
  }
  await expect.poll(() => server.streams()).toBe(1)
  const refreshes = server.count('POST /auth/refresh')
  await tab.does('logout')
  expect(await server.sessionsOf('alice')).toBe(0)
  report(`bearer, another origin: ${refreshes} refreshes in 3 expiries, ${urls.length} addresses without a token`)
  expect(refreshes).toBe(3)
  expect(urls.filter((url) => /rollcall_rt_|eyJ/.test(url))).toEqual([])
  expect(await browser.cookies()).toEqual([])
  expect(server.seen.filter(({ cookie }) => cookie !== null)).toEqual([])
  expect(pages.seen).toEqual([])
  expect(await tab.page.evaluate(() => Object.values(localStorage).join())).not.toMatch(/rollcall_rt_|eyJ/)
})

test('The credential goes to no other origin: the client refuses before it sends anything', async () => {
  const { pages, setup } = await openTwoOrigins()
  const elsewhere = await stage.openSite({ corsOrigins: [pages.url] })
  const tab = await openTab(await stage.openDevice(), pages.url, setup)
  await tab.logIn()
  const others = [
    elsewhere.url,
    `${elsewhere.url}/api/me`,
    `//${new URL(elsewhere.url).host}/api/me`,
    // The same host by another name, and the page's own origin.
    setup.baseUrl!.replace('127.0.0.1', 'localhost'),
    `${pages.url}/api/me`,
    `http://${new URL(setup.baseUrl!).host}@${new URL(elsewhere.url).host}/api/me`,
    `${setup.baseUrl}.example.com/api/me`,
  ]
  for (const other of others) {
    const answer = await tab.page.evaluate((url) => globalThis.ask(() => globalThis.client.fetch(url)), other)
    expect(answer, other).toMatchObject({ status: 0, name: 'TypeError' })
    const asRequest = await tab.page.evaluate(
      (url) => globalThis.ask(async () => globalThis.client.fetch(new Request(url))),
      other,
    )
    expect(asRequest, other).toMatchObject({ status: 0, name: 'TypeError' })
  }
  expect(
    await tab.page.evaluate(
      (url) => globalThis.ask(() => globalThis.client.logIn(url, { method: 'POST' })),
      `${elsewhere.url}/login`,
    ),
  ).toMatchObject({ status: 0, name: 'TypeError' })
  expect([elsewhere.seen, pages.seen]).toEqual([[], []])
  report(`bearer: ${others.length} addresses of other origins refused, 0 requests sent to them`)
  await expectLoggedIn(tab)
})

test('Tabs that share a storage share the session, and rotate exactly once at each expiry', async () => {
  const site = await stage.openSite({ accessLifetime: '2s' })
  const browser = await stage.openDevice()
  const setup = { mode: 'bearer', storage: 'local' } as const
  const tabs: Tab[] = []
  for (let count = 0; count < 5; count += 1) tabs.push(await openTab(browser, site.url, setup))
  await tabs[0]!.logIn()
  for (const tab of tabs) await tab.does('current')
  expect(new Set(await Promise.all(tabs.map((tab) => tab.sid()))).size).toBe(1)
  const before = site.count('POST /auth/refresh')
  const outcomes: string[] = []
  site.sessions.on('refreshed', ({ outcome }) => void outcomes.push(outcome))
  let expiries = 0
  for (; expiries < 5; expiries += 1) {
    await untilExpired(tabs[0]!)
    const answers = await Promise.all(tabs.map((tab) => tab.fetch('/api/me')))
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200])
  }
  const refreshes = site.count('POST /auth/refresh') - before
  const rotated = outcomes.filter((outcome) => outcome === 'rotated').length
  report(`bearer, five tabs, ${expiries} expiries: ${rotated} rotations by ${refreshes} refresh requests`)
  // What one tab writes to localStorage, another may read a moment later, and ask once more: it is given the same.
  expect(rotated).toBe(5)
  expect(refreshes).toBeLessThanOrEqual(10)
  await expectLoggedIn(...tabs)
  await tabs[1]!.does('logout')
  await Promise.all(tabs.map((tab) => tab.hears('ended')))
  expect(await site.sessionsOf('alice')).toBe(0)
})

test('Without a storage each tab has a session of its own, and a new page has none', async () => {
  const site = await stage.openSite()
  const browser = await stage.openDevice()
  const setup = { mode: 'bearer' } as const
  const [first, second] = [await openTab(browser, site.url, setup), await openTab(browser, site.url, setup)]
  await first.logIn()
  await second.does('current')
  expect(await second.session()).toBeNull()
  await second.logIn('bob')
  expect(await first.session()).toMatchObject({ userId: 'alice' })
  await expectLoggedIn(first, second)
  await first.does('logout')
  await expectLoggedIn(second)
  expect(await first.page.evaluate(() => localStorage.length)).toBe(0)
})
