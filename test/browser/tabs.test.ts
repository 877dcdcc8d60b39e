import type { BrowserContext, Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { openBrowserStage, report, seconds } from './browser-stage.js'
import { pauseScript } from './pause.js'
import type { Site } from './site.js'
import { expectLoggedIn, openTab, untilExpired, type Tab } from './tab.js'

const stage = openBrowserStage()

const refresh = 'POST /auth/refresh'

/** Tabs of one browser, logged in; all but the first one `prepare`d. */
async function openTabs(
  browser: BrowserContext,
  site: Site,
  count: number,
  prepare: (page: Page) => Promise<void> = async () => {},
): Promise<Tab[]> {
  const tabs: Tab[] = []
  for (let made = 0; made < count; made += 1) {
    tabs.push(await openTab(browser, site.url))
    if (made === 0) await tabs[0]!.logIn()
    else {
      await prepare(tabs[made]!.page)
      await tabs[made]!.does('current')
    }
  }
  return tabs
}

/** As if another tab were in front of it. */
async function hide(page: Page): Promise<void> {
  await page.evaluate(() => {
    Object.defineProperties(document, { hidden: { value: true }, visibilityState: { value: 'hidden' } })
    document.dispatchEvent(new Event('visibilitychange', { bubbles: true }))
  })
}

/** Notes whether the page ever takes a lock by force. */
const noteSteals = `
  globalThis.steals = 0
  const request = LockManager.prototype.request
  LockManager.prototype.request = function (name, options, ...rest) {
    if (options?.steal) globalThis.steals += 1
    return request.call(this, name, options, ...rest)
  }
`

async function askAllAtEachExpiry(site: Site, tabs: readonly Tab[], expiries: number) {
  const refreshed = site.count(refresh)
  let worst = 0
  for (let round = 0; round < expiries; round += 1) {
    await untilExpired(tabs[0]!)
    const answers = await Promise.all(tabs.map((tab) => tab.fetch('/api/me')))
    expect(answers.map(({ status }) => status)).toEqual(tabs.map(() => 200))
    worst = Math.max(worst, ...answers.map(({ took }) => took))
  }
  return { refreshes: site.count(refresh) - refreshed, worst }
}

async function countLogouts(tabs: readonly Tab[]): Promise<number> {
  const heard = await Promise.all(tabs.flatMap((tab) => [tab.heard('ended'), tab.heard('expired')]))
  return heard.flat().length
}

test('Ten tabs over twenty expiries refresh exactly once each time, and nobody is logged out', async () => {
  const site = await stage.openSite({ accessLifetime: '2s' })
  const browser = await stage.openDevice()
  const tabs = await openTabs(browser, site, 10)
  const { refreshes, worst } = await askAllAtEachExpiry(site, tabs, 20)
  const logouts = await countLogouts(tabs)
  report(`ten tabs, 20 expiries: ${refreshes} refresh requests, ${logouts} logouts, worst wait ${seconds(worst)}`)
  expect([refreshes, logouts]).toEqual([20, 0])
  await expectLoggedIn(...tabs)
  expect(await site.sessionsOf('alice')).toBe(1)
}, 120_000)

test('Ten tabs of a browser without Web Locks are not logged out either', async () => {
  const site = await stage.openSite({ accessLifetime: '2s' })
  const browser = await stage.openDevice()
  await browser.addInitScript(() => void Reflect.deleteProperty(Navigator.prototype, 'locks'))
  // One is seen, as in a window. Here all would be, and each that is seen has a stream, of which a browser lets six be open.
  const tabs = await openTabs(browser, site, 10, hide)
  expect(await tabs[0]!.page.evaluate(() => 'locks' in navigator)).toBe(false)
  const { refreshes, worst } = await askAllAtEachExpiry(site, tabs, 5)
  const logouts = await countLogouts(tabs)
  report(
    `ten tabs without Web Locks, 5 expiries: ${refreshes} refresh requests, ${logouts} logouts, worst wait ${seconds(worst)}`,
  )
  expect(logouts).toBe(0)
  expect(refreshes).toBeLessThanOrEqual(50)
  await expectLoggedIn(...tabs)
  expect(await site.sessionsOf('alice')).toBe(1)
}, 120_000)

test('A tab is closed in the middle of a refresh, and another one goes on', async () => {
  const site = await stage.openSite({ accessLifetime: '1s' })
  const browser = await stage.openDevice()
  const [closing, staying] = (await openTabs(browser, site, 2)) as [Tab, Tab]
  await untilExpired(staying)
  const held = site.hold(refresh)
  void closing.fetch('/api/me').catch(() => {})
  await held.reached
  const answer = staying.fetch('/api/me')
  await closing.page.close()
  const { status, took } = await answer
  report(`a tab closed in the middle of a refresh: the other is answered ${status} after ${seconds(took)}`)
  expect(status).toBe(200)
  expect(took).toBeLessThan(4_000)
  held.release()
  await expectLoggedIn(staying)
  expect(await site.sessionsOf('alice')).toBe(1)
})

test('A tab that is frozen while it refreshes holds no other up for long, and nobody takes its lock by force', async () => {
  // The tab sleeps for less than the grace, in which both are given the same pair.
  const site = await stage.openSite({ accessLifetime: '5s', grace: '4s' })
  const browser = await stage.openDevice()
  await browser.addInitScript(noteSteals)
  const [frozen, awake] = (await openTabs(browser, site, 2)) as [Tab, Tab]
  await untilExpired(awake)
  const held = site.hold(refresh)
  const late = frozen.fetch('/api/me')
  await held.reached
  const holders = async (): Promise<unknown[]> =>
    awake.page.evaluate(async () => (await navigator.locks.query()).held!.map(({ name, clientId }) => [name, clientId]))
  const goOn = await pauseScript(frozen.page)
  const before = await holders()
  const { status, took } = await awake.fetch('/api/me')
  report(`the refreshing tab is frozen: another is answered ${status} after ${seconds(took)}`)
  expect(status).toBe(200)
  expect(took).toBeLessThan(4_000)
  expect(await holders()).toEqual(expect.arrayContaining(before))
  held.release()
  await goOn()
  expect(await late).toMatchObject({ status: 200 })
  await expectLoggedIn(frozen, awake)
  for (const { page } of [frozen, awake]) expect(await page.evaluate('steals')).toBe(0)
  expect(await site.sessionsOf('alice')).toBe(1)
})
