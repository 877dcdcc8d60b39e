import { readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openBrowserStage } from '../browser/browser-stage.js'
import type { Site } from '../browser/site.js'
import type { SessionClient } from '../../src/client/types.js'
import { openPage, type OpenPage } from './open-page.js'

const stage = openBrowserStage()

let files: OpenPage
beforeAll(async () => {
  files = await openPage('docs/client.md')
})
// In a browser, by the tests below.
afterAll(() => files.close(['session.ts', 'page.ts', 'bearer.ts']))

const html = `<!doctype html>
<html lang="en"><title>docs</title><link rel="icon" href="data:,">
<script type="importmap">{ "imports": { "rollcall/client": "/blank/client/index.js" } }</script>
<p id="user"></p><p id="devices"></p><p id="note"></p>
<script type="module">
import * as session from './session.js'
import * as page from './page.js'
import * as bearer from './bearer.js'
window.docs = { session, page, bearer }
</script>`

type Docs = Readonly<Record<'session' | 'page' | 'bearer', Readonly<Record<string, (...given: unknown[]) => unknown>>>>

/** A page of the site with the files of docs/client.md. */
async function openDocs(site: Site): Promise<Page> {
  const page = await (await stage.openDevice()).newPage()
  await page.route('**/docs/*', async (route) => {
    const name = basename(new URL(route.request().url()).pathname)
    if (name === 'index.html') return route.fulfill({ contentType: 'text/html', body: html })
    return route.fulfill({ contentType: 'text/javascript', body: await readFile(join(files.folder, name), 'utf8') })
  })
  // The route of the page's own app, which here is the demo's.
  await page.route('**/login', async (route) => {
    const { email, password } = JSON.parse(route.request().postData()!) as Record<string, string>
    await route.continue({ postData: JSON.stringify({ username: email, password, mode: 'cookie' }) })
  })
  await page.goto(`${site.url}/docs/index.html`)
  return page
}

/** Runs what a file of the page exports; of a response its status. */
function run(page: Page, file: 'session' | 'page', name: string, ...given: unknown[]): Promise<unknown> {
  return page.evaluate(
    async ([file, name, given]) => {
      const answer = await (globalThis as unknown as { docs: Docs }).docs[file][name]!(...given)
      return answer instanceof Response ? answer.status : answer
    },
    [file, name, given] as const,
  )
}

const textOf = (page: Page, id: string): Promise<string | null> => page.textContent(`#${id}`)

test('The page of docs/client.md logs in, shows the devices, and says why it was logged out', async () => {
  const site = await stage.openSite()
  const page = await openDocs(site)
  await run(page, 'page', 'open')
  expect(await textOf(page, 'note')).toBe('Please log in.')
  expect(await run(page, 'session', 'logIn', 'alice', 'guess')).toBe(401)
  expect(await run(page, 'session', 'logIn', 'alice', 'wonderland')).toBe(200)
  await expect.poll(() => textOf(page, 'devices')).toBe('this device')
  expect([await textOf(page, 'user'), await textOf(page, 'note')]).toEqual(['alice', ''])
  await run(page, 'page', 'stay')

  await expect.poll(() => site.streams()).toBe(1)
  await site.sessions.create({ userId: 'alice', device: { name: 'phone' } })
  await expect.poll(() => textOf(page, 'devices')).toContain('phone')

  await site.sessions.revokeAll('alice')
  await expect.poll(() => textOf(page, 'note')).toBe('You were logged out (logout everywhere). Please log in.')
  expect([await textOf(page, 'user'), await textOf(page, 'devices')]).toEqual(['', ''])
})

test('The client with tokens of docs/client.md sends nothing to another server than its own', async () => {
  const page = await openDocs(await stage.openSite())
  const error = await page.evaluate(() => {
    const { client } = (globalThis as unknown as { docs: { bearer: { client: SessionClient } } }).docs.bearer
    return client.fetch('https://elsewhere.example/').catch((error: Error) => error.name)
  })
  expect(error).toBe('TypeError')
})
