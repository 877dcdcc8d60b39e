import axe from 'axe-core'
import type { BrowserContextOptions, Locator, Page } from 'playwright-core'
import { expect } from 'vitest'
import type { BrowserStage } from './browser-stage.js'
import type { Site } from './site.js'

/** The demo's page in a browser of its own. */
export async function openPage(stage: BrowserStage, site: Site, options?: BrowserContextOptions): Promise<Page> {
  const page = await (await stage.openDevice(options)).newPage()
  await page.goto(site.url)
  await page.getByRole('heading', { name: 'Log in' }).waitFor()
  return page
}

export async function signIn(page: Page, device: string, username: 'alice' | 'bob' = 'alice'): Promise<void> {
  await page.getByRole('button', { name: new RegExp(`^${username} `) }).click()
  await page.getByLabel('Name of this device').fill(device)
  await page.getByRole('button', { name: 'Log in', exact: true }).click()
  await deviceIn(page, device).waitFor()
}

export async function openDevice(
  stage: BrowserStage,
  site: Site,
  device: string,
  options?: BrowserContextOptions,
): Promise<Page> {
  const page = await openPage(stage, site, options)
  await signIn(page, device)
  await expect.poll(() => site.streams()).toBeGreaterThan(0)
  return page
}

/** Its entry in the list. */
export function deviceIn(page: Page, name: string): Locator {
  return page.getByRole('listitem').filter({ has: page.getByRole('heading', { name }) })
}

/** How long the text takes to be seen. */
export async function timeUntil(page: Page, text: string | RegExp): Promise<number> {
  const from = Date.now()
  await page.getByText(text).first().waitFor()
  return Date.now() - from
}

export async function confirm(page: Page, action: string): Promise<void> {
  await page.getByRole('dialog').getByRole('button', { name: action, exact: true }).click()
}

interface Violation {
  readonly id: string
  readonly nodes: readonly { readonly html: string; readonly failureSummary?: string }[]
}

/** What axe finds against WCAG 2.2 AA and its best practices. */
export async function findViolations(page: Page): Promise<string[]> {
  await page.evaluate(axe.source)
  // A colour that is still fading is none that anybody reads.
  await page.evaluate(() => Promise.all(document.getAnimations().map(({ finished }) => finished.catch(() => {}))))
  const { violations } = (await page.evaluate('axe.run()')) as { violations: readonly Violation[] }
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary = '' }) => `${id}: ${html.slice(0, 120)} ${failureSummary}`),
  )
}
