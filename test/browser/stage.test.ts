import { expect, test } from 'vitest'
import { openBrowserStage, report } from './browser-stage.js'
import type { Site } from './site.js'
import type { Page } from 'playwright-core'

// No client here: what docs/cookies.md and docs/live.md say of browsers, and what the stage itself does to them.
const stage = openBrowserStage()

const json = { 'Content-Type': 'application/json', 'X-Requested-With': 'fetch' }

async function openPage(site: Site): Promise<Page> {
  const page = await (await stage.openDevice()).newPage()
  await page.goto(`${site.url}/blank.html`)
  return page
}

/** The status, or how the request failed. */
function send(page: Page, path: string, init: RequestInit = {}): Promise<number | string> {
  return page.evaluate(
    ([path, init]) =>
      fetch(path, init).then(
        (response) => response.status,
        (error: Error) => error.name,
      ),
    [path, { headers: json, ...init }] as const,
  )
}

const post = { method: 'POST' }
const login = { ...post, body: JSON.stringify({ username: 'alice', password: 'wonderland', mode: 'cookie' }) }

test('A browser keeps the cookies over plain HTTP on 127.0.0.1, shows scripts the times alone, and drops all at logout', async () => {
  const site = await stage.openSite()
  const page = await openPage(site)
  const names = async (): Promise<string[]> => (await page.context().cookies()).map(({ name }) => name).toSorted()
  expect(await send(page, '/login', login)).toBe(200)
  expect(await names()).toEqual(['__Host-rollcall-access', '__Host-rollcall-expiry', '__Secure-rollcall-refresh'])
  expect(await page.evaluate(() => document.cookie)).toMatch(
    /^__Host-rollcall-expiry=access(?:=|%3D)\d+\S*session(?:=|%3D)\d+$/,
  )
  expect(await send(page, '/api/me')).toBe(200)
  await page.evaluate(() => localStorage.setItem('draft', 'kept'))
  expect(await send(page, '/auth/logout', post)).toBe(204)
  expect(await names()).toEqual([])
  expect(await page.evaluate(() => localStorage.length)).toBe(0)
})

test('A form of another site logs nobody in and nobody out', async () => {
  const site = await stage.openSite()
  const page = await openPage(site)
  await send(page, '/login', login)
  for (const action of ['/auth/logout', '/auth/logout-everywhere', '/login']) {
    const attacker = await page.context().newPage()
    // Another host, and so another site.
    await attacker.goto(`${site.url.replace('127.0.0.1', 'localhost')}/blank.html`)
    const answer = attacker.waitForResponse((response) => response.url() === site.url + action)
    await attacker.evaluate((url) => {
      const form = document.createElement('form')
      Object.assign(form, { method: 'POST', action: url, enctype: 'text/plain' })
      // As text, the one field is the JSON of a login.
      const name = '{"username":"bob","password":"builder","mode":"cookie","device":{"name":"'
      form.append(Object.assign(document.createElement('input'), { name, value: '"}}' }))
      document.body.append(form)
      form.submit()
    }, site.url + action)
    const status = (await answer).status()
    report(`a form of another site to ${action}: ${status}`)
    // Without the cookies, which stay at home, or as what it is.
    expect([401, 415]).toContain(status)
  }
  expect(await send(page, '/api/me')).toBe(200)
  expect([await site.sessionsOf('alice'), await site.sessionsOf('bob')]).toEqual([1, 0])
})

test('An EventSource comes back after the server was started again', async () => {
  const site = await stage.openSite()
  const page = await openPage(site)
  await send(page, '/login', login)
  await page.evaluate(() => void new EventSource('/auth/events'))
  await expect.poll(() => site.streams()).toBe(1)
  await site.stop('in order')
  expect(site.streams()).toBe(0)
  await site.start()
  await expect.poll(() => site.streams(), { timeout: 8_000 }).toBe(1)
})

test('The stage loses one answer, holds one back, and lets the store fail', async () => {
  const site = await stage.openSite({ keepsConnections: false })
  const page = await openPage(site)
  await send(page, '/login', login)
  const lost = site.lose('POST /auth/refresh')
  expect(await send(page, '/auth/refresh', post)).toBe('TypeError')
  await lost.happened
  const held = site.hold('POST /auth/refresh')
  const answer = send(page, '/auth/refresh', post)
  await held.reached
  expect(await Promise.race([answer, send(page, '/api/me')])).toBe(200)
  held.release()
  expect(await answer).toBe(200)
  expect(site.count('POST /auth/refresh')).toBe(2)
  site.storeIsDown = true
  expect(await send(page, '/api/me')).toBe(503)
  site.storeIsDown = false
  expect(await send(page, '/api/me')).toBe(200)
})
