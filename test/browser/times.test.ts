import { expect, test } from 'vitest'
import { openBrowserStage, report, seconds } from './browser-stage.js'
import { expectLoggedIn, openTab, untilExpired } from './tab.js'

const stage = openBrowserStage()

const hour = 3_600_000

/** The page's clock is off by so much from its first script on; timers are not. */
function shiftClock(by: number): string {
  return `
    const Real = Date
    globalThis.Date = class extends Real {
      constructor(...given) { given.length === 0 ? super(Real.now() + ${by}) : super(...given) }
      static now() { return Real.now() + ${by} }
    }
  `
}

test.each([
  ['an hour fast', hour],
  ['an hour slow', -hour],
])('A clock that is %s ends no session and warns at the right time', async (name, by) => {
  const site = await stage.openSite({ lifetime: '6s', idleLifetime: '6s' })
  const device = await stage.openDevice()
  await device.addInitScript(shiftClock(by))
  const tab = await openTab(device, site.url, { expiringBefore: '3s' })
  await tab.logIn()
  const end = Date.now() + 6_000
  const [skew, left] = await tab.page.evaluate(() => {
    const { skew, session } = globalThis.client
    return [skew, session!.sessionExpiresAt.getTime() - (Date.now() + skew)] as const
  })
  expect(Math.abs(skew + by)).toBeLessThan(1_500)
  expect(left).toBeGreaterThan(4_000)
  expect(left).toBeLessThan(7_000)
  await expectLoggedIn(tab)
  expect(await tab.heard('expiring')).toEqual([])
  const warned = await tab.hears('expiring', 6_000)
  const expired = await tab.hears('expired', 10_000)
  report(
    `a clock ${name}: skew ${Math.round(skew)} ms, warned ${seconds(end - warned.at)} before the end, told of it ${seconds(expired.at - end)} after`,
  )
  expect(Math.abs(end - warned.at - 3_000)).toBeLessThan(1_200)
  expect(expired.at).toBeGreaterThan(end - 1_000)
  expect(expired.value).toMatchObject({ code: 'session_expired' })
  expect(await tab.heard('expiring')).toHaveLength(1)
})

test('A session of months is not about to end, however large the number of milliseconds', async () => {
  const site = await stage.openSite({ lifetime: '90d', idleLifetime: '60d' })
  const device = await stage.openDevice()
  const tab = await openTab(device, site.url, { expiringBefore: '1m' })
  await tab.logIn()
  // A timer of more than 24.8 days is over at once.
  await tab.page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 2 ** 31)))
  await expectLoggedIn(tab)
  expect(await tab.heard('expiring')).toEqual([])
  expect(await tab.heard('expired')).toEqual([])
})

test('A page that lies open, watches and asks does not keep its session alive, not by its refreshes either', async () => {
  const site = await stage.openSite({ accessLifetime: '3s', idleLifetime: '5s', lifetime: '1h' })
  const tab = await openTab(await stage.openDevice(), site.url, { expiringBefore: '2s' })
  await tab.logIn()
  const from = Date.now()
  await untilExpired(tab)
  expect(await tab.does('current')).toMatchObject({ status: 200 })
  const refreshes = site.count('POST /auth/refresh')
  expect(refreshes).toBe(1)
  await tab.hears('expiring', 10_000)
  const { at, value } = await tab.hears('expired', 15_000)
  report(
    `a page that only watches, ${refreshes} refresh: its session of 5 s without use is over after ${seconds(at - from)}`,
  )
  expect(value).toMatchObject({ code: 'session_expired' })
  expect(at - from).toBeLessThan(6_500)
  expect(await tab.session()).toBeNull()
  expect(await tab.fetch('/api/me')).toMatchObject({ status: 401 })
})

test('A page that is used keeps its session alive, and is warned anew for each end that was near', async () => {
  const site = await stage.openSite({ accessLifetime: '1s', idleLifetime: '4s', lifetime: '1h' })
  const tab = await openTab(await stage.openDevice(), site.url, { expiringBefore: '2s' })
  await tab.logIn()
  const from = Date.now()
  for (let warnings = 1; warnings <= 3; warnings += 1) {
    await expect.poll(async () => (await tab.heard('expiring')).length, { timeout: 6_000 }).toBe(warnings)
    expect(await tab.fetch('/api/me')).toMatchObject({ status: 200 })
  }
  report(`a page that is used after each of 3 warnings: alive after ${seconds(Date.now() - from)} of 4 s without use`)
  expect(Date.now() - from).toBeGreaterThan(4_000)
  expect(await tab.heard('expired')).toEqual([])
})
