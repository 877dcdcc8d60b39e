import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { openBrowserStage, report } from './browser-stage.js'
import { expectLoggedIn, openDevice, openTab } from './tab.js'

const stage = openBrowserStage()

test('A device that another one logs out is told so, why and by whom within a second, and is refused from then on', async () => {
  const site = await stage.openSite()
  const phone = await openDevice(stage, site, 'phone')
  const laptop = await openDevice(stage, site, 'laptop')
  const tablet = await openDevice(stage, site, 'tablet')
  const before = Date.now()
  expect(await phone.does('revoke', await laptop.sid())).toMatchObject({ status: 200 })
  const { at, value } = await laptop.hears('ended')
  report(`a device logged out by another is told after ${at - before} ms`)
  expect(at - before).toBeLessThan(1_000)
  expect(value).toMatchObject({ code: 'session_ended', reason: 'logout', actor: await phone.sid() })
  expect(value.session).toMatchObject({ userId: 'alice' })
  expect(await laptop.session()).toBeNull()
  expect(await laptop.fetch('/api/me')).toMatchObject({ status: 401 })
  await expectLoggedIn(phone, tablet)
})

test('The other devices are told when one logs out all others, and it stays', async () => {
  const site = await stage.openSite()
  const phone = await openDevice(stage, site, 'phone')
  const others = [await openDevice(stage, site, 'laptop'), await openDevice(stage, site, 'tablet')]
  const before = Date.now()
  expect(JSON.parse((await phone.does('revokeOthers')).text)).toEqual({ revoked: 2 })
  const told = await Promise.all(others.map((tab) => tab.hears('ended')))
  const slowest = Math.max(...told.map(({ at }) => at - before))
  report(`log out the others: 2 devices told, the last after ${slowest} ms`)
  expect(slowest).toBeLessThan(1_000)
  for (const { value } of told) expect(value).toMatchObject({ reason: 'logout others', actor: await phone.sid() })
  for (const tab of others) expect(await tab.fetch('/api/me')).toMatchObject({ status: 401 })
  await expectLoggedIn(phone)
})

test('All devices are told when one logs out everywhere, and it is logged out itself', async () => {
  const site = await stage.openSite()
  const phone = await openDevice(stage, site, 'phone')
  const laptop = await openDevice(stage, site, 'laptop')
  const before = Date.now()
  expect(JSON.parse((await phone.does('revokeAll')).text)).toEqual({ revoked: 2 })
  const told = await Promise.all([phone, laptop].map((tab) => tab.hears('ended')))
  const slowest = Math.max(...told.map(({ at }) => at - before))
  report(`log out everywhere: 2 devices told, the last after ${slowest} ms`)
  expect(slowest).toBeLessThan(1_000)
  expect(told[1]?.value).toMatchObject({ reason: 'logout everywhere' })
  // Who did it is not told that somebody else did.
  expect(told[0]?.value).toMatchObject({ code: 'logged_out', reason: 'logout everywhere' })
  for (const tab of [phone, laptop]) {
    expect(await tab.session()).toBeNull()
    expect(await tab.fetch('/api/me')).toMatchObject({ status: 401 })
  }
  expect(await phone.page.context().cookies()).toEqual([])
  expect(await site.sessionsOf('alice')).toBe(0)
})

test('The list of devices says which is this one, and a page hears when it changes', async () => {
  const site = await stage.openSite()
  const phone = await openDevice(stage, site, 'phone')
  const list = (): Promise<unknown[]> =>
    phone.page.evaluate(async () =>
      (await globalThis.client.sessions()).sessions.map(({ device, current }) => [device.name, current]),
    )
  expect(await list()).toEqual([['phone', true]])
  const heard = (await phone.heard('devices')).length
  const laptop = await openDevice(stage, site, 'laptop')
  await expect.poll(async () => (await phone.heard('devices')).length).toBeGreaterThan(heard)
  expect(await list()).toEqual([
    ['laptop', false],
    ['phone', true],
  ])
  await laptop.page.evaluate(() => globalThis.client.rename(globalThis.client.session!.sid, 'new name'))
  await expect.poll(list).toContainEqual(['new name', false])
})

test('Seven tabs of a browser share one event stream, have connections left, and are all told within a second', async () => {
  const site = await stage.openSite()
  const phone = await openDevice(stage, site, 'phone')
  const browser = await stage.openDevice()
  const tabs = [await openTab(browser, site.url)]
  await tabs[0]!.logIn('alice', 'laptop')
  for (let count = 1; count < 7; count += 1) {
    tabs.push(await openTab(browser, site.url))
    await tabs.at(-1)!.does('current')
  }
  const sid = await tabs[0]!.sid()
  await expect.poll(() => site.streams(sid)).toBe(1)
  // All seven at once: a browser opens six connections to one host.
  await expectLoggedIn(...tabs)
  const opened = site.count('GET /auth/events', sid)
  const before = Date.now()
  await phone.does('revoke', sid)
  const told = await Promise.all(tabs.map((tab) => tab.hears('ended')))
  const slowest = Math.max(...told.map(({ at }) => at - before))
  report(`seven tabs: ${opened} event stream, ${told.length} told, the last after ${slowest} ms`)
  expect(opened).toBe(1)
  expect(slowest).toBeLessThan(1_000)
  for (const { value } of told) expect(value).toMatchObject({ code: 'session_ended', actor: await phone.sid() })
  for (const tab of tabs) expect(await tab.heard('ended')).toHaveLength(1)
})

test('The tab that holds the event stream is closed, and another one takes it over', async () => {
  const site = await stage.openSite()
  const phone = await openDevice(stage, site, 'phone')
  const browser = await stage.openDevice()
  let holder: Page | undefined
  browser.on('request', (request) => {
    if (request.url().endsWith('/auth/events')) holder = request.frame().page()
  })
  const all = [await openTab(browser, site.url), await openTab(browser, site.url), await openTab(browser, site.url)]
  await all[0]!.logIn('alice', 'laptop')
  const sid = await all[0]!.sid()
  for (const tab of all) await tab.does('current')
  await expect.poll(() => site.streams(sid)).toBe(1)
  const tabs = all.filter(({ page }) => page !== holder)
  const opened = site.count('GET /auth/events', sid)
  const from = Date.now()
  await holder!.close()
  await expect.poll(() => site.count('GET /auth/events', sid), { timeout: 10_000, interval: 20 }).toBe(opened + 1)
  await expect.poll(() => site.streams(sid)).toBe(1)
  report(`the tab with the event stream is closed: another has one after ${Date.now() - from} ms`)
  await phone.does('revoke', sid)
  await Promise.all(tabs.map((tab) => tab.hears('ended')))
})

test('Two users in two browsers hear only of themselves', async () => {
  const site = await stage.openSite()
  const alice = await openDevice(stage, site, 'hers', { username: 'alice' })
  const bob = await openDevice(stage, site, 'his', { username: 'bob' })
  const other = await openDevice(stage, site, 'her other', { username: 'alice' })
  await alice.hears('devices')
  const heard = (await bob.heard('devices')).length
  await alice.does('revokeAll')
  await Promise.all([alice.hears('ended'), other.hears('ended')])
  await expectLoggedIn(bob)
  expect(await bob.heard('devices')).toHaveLength(heard)
  expect([await site.sessionsOf('alice'), await site.sessionsOf('bob')]).toEqual([0, 1])
})

test('A tab is told when another tab of the browser logs in as somebody else, and is that user from then on', async () => {
  const site = await stage.openSite()
  const browser = await stage.openDevice()
  const [first, second] = [await openTab(browser, site.url), await openTab(browser, site.url)]
  await first.logIn('alice')
  await second.hears('session')
  await second.logIn('bob')
  await expect.poll(async () => (await first.heard('session')).at(-1)?.value.userId).toBe('bob')
  expect(await first.session()).toMatchObject({ userId: 'bob', sid: await second.sid() })
  expect(JSON.parse((await first.fetch('/api/me')).text)).toMatchObject({ userId: 'bob' })
  expect([await site.sessionsOf('alice'), await site.sessionsOf('bob')]).toEqual([0, 1])
  // What became of the new session is heard, too.
  await expect.poll(async () => site.streams(await second.sid())).toBe(1)
  await first.does('logout')
  for (const tab of [first, second]) expect((await tab.hears('ended')).value.session).toBeTruthy()
  await expect.poll(() => second.session()).toBeNull()
})

test('A login whose cookies the browser does not keep is refused, and says so', async () => {
  const site = await stage.openSite()
  const tab = await openTab(await stage.openDevice(), site.url)
  site.stripCookies()
  expect(await tab.logIn()).toMatchObject({ status: 0, code: 'cookies_blocked' })
  expect(await tab.session()).not.toBeTruthy()
  site.heal()
  expect(await tab.logIn()).toMatchObject({ status: 200 })
  await expectLoggedIn(tab)
})
