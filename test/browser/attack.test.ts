import { expect, test } from 'vitest'
import { openBrowserStage } from './browser-stage.js'
import { expectLoggedIn, openTab } from './tab.js'

const stage = openBrowserStage()

test('A logout that is finished after the next login does not take its tokens out of the storage', async () => {
  const site = await stage.openSite()
  const tab = await openTab(await stage.openDevice(), site.url, { mode: 'bearer', storage: 'local' })
  await tab.logIn('alice')
  site.refuse('POST /auth/logout', 503, 'store_unavailable')
  await tab.does('logout')
  await tab.logIn('bob')
  site.heal()
  await expect.poll(() => site.sessionsOf('alice'), { timeout: 30_000 }).toBe(0)
  await new Promise((resolve) => setTimeout(resolve, 500))
  expect(await tab.fetch('/api/me')).toMatchObject({ status: 200 })
  expect(await site.sessionsOf('bob')).toBe(1)
})

test.each([{ mode: 'bearer', storage: 'local' } as const, { mode: 'cookie' } as const])(
  'A login waits for a logout that the server is slow to answer, and is not undone by it ($mode)',
  async (setup) => {
    const site = await stage.openSite()
    const tab = await openTab(await stage.openDevice(), site.url, setup)
    await tab.logIn('alice')
    const held = site.hold('POST /auth/logout')
    const out = tab.does('logout')
    await held.reached
    setTimeout(held.release, 3_000)
    await tab.logIn('bob')
    await out
    await new Promise((resolve) => setTimeout(resolve, 500))
    expect(await tab.fetch('/api/me')).toMatchObject({ status: 200 })
  },
)

test('A logout while the server is away ends the session in all tabs', async () => {
  const site = await stage.openSite()
  const browser = await stage.openDevice()
  const [one, other] = [await openTab(browser, site.url), await openTab(browser, site.url)]
  await one.logIn('alice')
  await other.does('current')
  await site.stop('at once')
  void one.does('logout')
  await other.hears('ended', 5_000)
  expect(await other.session()).toBeNull()
})

test('A page that is left opens no event stream on its way out', async () => {
  const site = await stage.openSite()
  const tab = await openTab(await stage.openDevice(), site.url)
  await tab.logIn('alice')
  await expect.poll(() => site.streams()).toBe(1)
  const before = site.count('GET /auth/events')
  await tab.page.goto(`${site.url}/blank.html?elsewhere`)
  await new Promise((resolve) => setTimeout(resolve, 1_000))
  expect([site.count('GET /auth/events') - before, site.streams()]).toEqual([0, 0])
})

test('Two clients on one page, one of cookies and one of tokens, know nothing of each other', async () => {
  const site = await stage.openSite()
  const browser = await stage.openDevice()
  const cookie = await openTab(browser, site.url)
  await cookie.logIn('alice')
  const bearer = await openTab(browser, site.url, { mode: 'bearer', storage: 'local' })
  await bearer.logIn('bob')
  site.refuse('POST /auth/logout', 503, 'store_unavailable')
  await bearer.does('logout')
  await expectLoggedIn(cookie)
  site.heal()
  await expect.poll(() => site.sessionsOf('bob'), { timeout: 30_000 }).toBe(0)
  await expectLoggedIn(cookie)
})
