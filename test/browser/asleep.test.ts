import { expect, test } from 'vitest'
import { openBrowserStage, report, seconds } from './browser-stage.js'
import { pauseScript } from './pause.js'
import { openDevice, openTab } from './tab.js'

const stage = openBrowserStage()

test('A frozen tab that holds the event stream leaves the others in the dark for a minute at most', async () => {
  const site = await stage.openSite()
  const phone = await openDevice(stage, site, 'phone')
  const leader = await openDevice(stage, site, 'laptop')
  const sid = await leader.sid()
  const follower = await openTab(leader.page.context(), site.url)
  await follower.does('current')
  expect(site.streams(sid)).toBe(1)
  const goOn = await pauseScript(leader.page)
  const before = Date.now()
  await phone.does('revoke', sid)
  const { at, value } = await follower.hears('ended', 60_000)
  report(`the tab with the event stream is frozen: another is told after ${seconds(at - before)}`)
  expect(value).toMatchObject({ code: 'session_ended' })
  await goOn()
  await leader.hears('ended')
}, 90_000)

test('A page that slept while its session was ended hears so when it wakes', async () => {
  const site = await stage.openSite()
  const phone = await openDevice(stage, site, 'phone')
  const laptop = await openDevice(stage, site, 'laptop')
  const sid = await laptop.sid()
  const wake = await pauseScript(laptop.page)
  // The network forgets a machine that sleeps, and it hears nothing of that.
  site.cutStreams()
  await phone.does('revoke', sid)
  expect(site.streams(sid)).toBe(0)
  const before = Date.now()
  await wake()
  const { at } = await laptop.hears('ended', 10_000)
  report(`a page wakes: told of the end it slept through after ${seconds(at - before)}`)
})

test('A page that the browser brings back as it was hears of the end that it missed', async () => {
  const site = await stage.openSite()
  const phone = await openDevice(stage, site, 'phone')
  const laptop = await openDevice(stage, site, 'laptop')
  const sid = await laptop.sid()
  await laptop.page.evaluate(() => {
    addEventListener('pageshow', ({ persisted }) => Object.assign(globalThis, { persisted }))
  })
  await laptop.page.goto(`${site.url}/blank.html?elsewhere`)
  await expect.poll(() => site.streams(sid)).toBe(0)
  await phone.does('revoke', sid)
  const before = Date.now()
  await laptop.page.evaluate(() => void setTimeout(() => history.back()))
  await laptop.page.waitForURL(`${site.url}/blank.html`, { waitUntil: 'commit' })
  expect(await laptop.page.evaluate('globalThis.persisted'), 'it is the page as it was').toBe(true)
  const { at } = await laptop.hears('ended')
  report(`a page is brought back: told of the end it missed after ${seconds(at - before)}`)
})
