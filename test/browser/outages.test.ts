import { expect, test } from 'vitest'
import { openBrowserStage, report, seconds } from './browser-stage.js'
import { expectLoggedIn, openDevice, openTab, untilExpired, type Tab } from './tab.js'

const stage = openBrowserStage()

const modes: readonly { readonly mode: 'cookie' | 'bearer'; readonly storage?: 'local' }[] = [
  { mode: 'cookie' },
  { mode: 'bearer', storage: 'local' },
]

/** How many requests for an event stream the page has sent. */
function countAttempts({ page }: Tab): () => number {
  let attempts = 0
  page.on('request', (request) => {
    if (request.url().endsWith('/auth/events')) attempts += 1
  })
  return () => attempts
}

/** Resolves to how long it took. */
async function untilFetched(tab: Tab, status: number): Promise<number> {
  const from = Date.now()
  await expect.poll(async () => (await tab.fetch('/api/me')).status, { timeout: 15_000, interval: 50 }).toBe(status)
  return Date.now() - from
}

test('A browser that is offline for a while logs nobody out, and everything comes back', async () => {
  const site = await stage.openSite()
  const tab = await openDevice(stage, site, 'laptop')
  const sid = await tab.sid()
  await tab.page.context().setOffline(true)
  site.cutStreams()
  expect(await tab.fetch('/api/me')).toMatchObject({ status: 0, name: 'TypeError' })
  expect(await tab.does('current')).toMatchObject({ status: 0 })
  expect(await tab.session()).toMatchObject({ sid })
  await tab.page.context().setOffline(false)
  const from = Date.now()
  await expect.poll(() => site.streams(sid), { timeout: 15_000, interval: 20 }).toBe(1)
  report(`back online: event stream after ${seconds(Date.now() - from)}`)
  await expectLoggedIn(tab)
})

test('A device that was offline while it was logged out is told when it is back', async () => {
  const site = await stage.openSite()
  const phone = await openDevice(stage, site, 'phone')
  const laptop = await openDevice(stage, site, 'laptop')
  const sid = await laptop.sid()
  await laptop.page.context().setOffline(true)
  site.cutStreams()
  await phone.does('revoke', sid)
  await expect.poll(() => site.sessionsOf('alice')).toBe(1)
  expect(await laptop.heard('ended')).toEqual([])
  await laptop.page.context().setOffline(false)
  const from = Date.now()
  const { at, value } = await laptop.hears('ended', 15_000)
  report(`logged out while offline: told ${seconds(at - from)} after it is back`)
  expect(value).toMatchObject({ code: 'session_ended' })
  await expectLoggedIn(phone)
})

test.each(['in order', 'at once'] as const)(
  'A server that stops %s and starts again logs nobody out, and event streams come back without haste',
  async (how) => {
    const site = await stage.openSite()
    const tab = await openDevice(stage, site, 'laptop')
    const sid = await tab.sid()
    const attempts = countAttempts(tab)
    await site.stop(how)
    expect(await tab.fetch('/api/me')).toMatchObject({ status: 0 })
    await expect.poll(attempts, { timeout: 15_000 }).toBeGreaterThan(1)
    const inVain = attempts()
    await site.start()
    const from = Date.now()
    await expect.poll(() => site.streams(sid), { timeout: 30_000, interval: 20 }).toBe(1)
    report(`a server stopped ${how}: ${inVain} attempts in vain, stream ${seconds(Date.now() - from)} after its start`)
    expect(inVain).toBeLessThanOrEqual(3)
    await expectLoggedIn(tab)
  },
)

test('A store that is down is a 503 for the app to see, and logs nobody out', async () => {
  const site = await stage.openSite()
  const tab = await openDevice(stage, site, 'laptop')
  site.storeIsDown = true
  const { status, text, took } = await tab.fetch('/api/me')
  expect([status, JSON.parse(text).code]).toEqual([503, 'store_unavailable'])
  expect(await tab.does('revokeOthers')).toMatchObject({ status: 0 })
  expect(await tab.session()).toBeTruthy()
  site.storeIsDown = false
  report(
    `the store is down: 503 after ${seconds(took)}; when it is back, let in after ${seconds(await untilFetched(tab, 200))}`,
  )
  await expectLoggedIn(tab)
})

test('A store that is down when the access token is over logs nobody out', async () => {
  const site = await stage.openSite({ accessLifetime: '1s' })
  const tab = await openDevice(stage, site, 'laptop')
  site.storeIsDown = true
  await untilExpired(tab)
  const { status, took } = await tab.fetch('/api/me')
  expect(status).toBe(503)
  expect([await tab.heard('ended'), await tab.heard('expired')]).toEqual([[], []])
  site.storeIsDown = false
  report(
    `no refresh while the store is down: ${status} after ${seconds(took)}; then let in after ${seconds(await untilFetched(tab, 200))}`,
  )
  await expectLoggedIn(tab)
})

test.each(modes)('A refresh whose answer is lost logs nobody out ($mode)', async ({ mode, storage }) => {
  const site = await stage.openSite({ accessLifetime: '2s', keepsConnections: false })
  const outcomes: string[] = []
  site.sessions.on('refreshed', ({ outcome }) => void outcomes.push(outcome))
  const tab = await openDevice(stage, site, 'laptop', { mode, ...(storage && { storage }) })
  const lost = site.lose('POST /auth/refresh')
  await untilExpired(tab)
  const first = await tab.fetch('/api/me')
  await lost.happened
  const took = await untilFetched(tab, 200)
  report(
    `a lost refresh (${mode}): first answer ${first.status}, let in ${seconds(took)} later, ${outcomes.join(', ')}`,
  )
  expect(outcomes[0]).toBe('rotated')
  expect(outcomes[1]).toMatch(/^redelivered/)
  await expectLoggedIn(tab)
  expect(await site.sessionsOf('alice')).toBe(1)
})

test.each(modes)(
  'A logout counts at once while the server is away, and is finished when it is back ($mode) (ASVS 14.3.1)',
  async (setup) => {
    const site = await stage.openSite()
    const tab = await openDevice(stage, site, 'laptop', setup)
    await site.stop('at once')
    expect(await tab.does('logout')).toMatchObject({ status: 200 })
    expect(await tab.session()).toBeNull()
    expect((await tab.heard('ended')).map(({ value }) => value.code)).toEqual(['logged_out'])
    expect(await site.sessionsOf('alice')).toBe(1)
    await site.start()
    const from = Date.now()
    await expect.poll(() => site.sessionsOf('alice'), { timeout: 30_000 }).toBe(0)
    report(
      `logged out while the server was away (${setup.mode}): finished ${seconds(Date.now() - from)} after its start`,
    )
    expect(await tab.fetch('/api/me')).toMatchObject({ status: 401 })
  },
)

test.each(modes)(
  'After a logout that the server could not take, requests carry no credential ($mode)',
  async (setup) => {
    const site = await stage.openSite()
    const tab = await openDevice(stage, site, 'laptop', setup)
    site.refuse('POST /auth/logout', 503, 'store_unavailable')
    await tab.does('logout')
    const { status } = await tab.fetch('/api/me')
    expect(status).toBe(401)
    const sent = site.seen.findLast(({ route }) => route === 'GET /api/me')
    expect(sent).toMatchObject({ authorization: null, cookie: null })
    expect(await tab.page.evaluate(() => Object.values(localStorage).join())).not.toMatch(/rollcall_rt_|"accessToken"/)
    // A page that is opened meanwhile is not logged in either.
    const another = await openTab(tab.page.context(), site.url, setup)
    await another.does('current')
    expect(await another.session()).toBeNull()
    site.heal()
    await expect.poll(() => site.sessionsOf('alice'), { timeout: 30_000 }).toBe(0)
    expect(await tab.logIn('alice')).toMatchObject({ status: 200 })
    expect(await tab.fetch('/api/me')).toMatchObject({ status: 200 })
  },
)
