import { mkdir } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { chromium, type Browser, type BrowserContext, type BrowserContextOptions, type Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, inject } from 'vitest'
import { isRoot } from '../engines/place.js'
import { openSite, type Site, type SiteOptions } from './site.js'

/** A browser for the tests of a file, and what each of them opens there. */
export interface BrowserStage {
  /** Closed after the test. */
  openSite(options?: SiteOptions): Promise<Site>
  /** A profile of its own, as another device has one; closed after the test. */
  openDevice(options?: BrowserContextOptions): Promise<BrowserContext>
}

/** Opened before all tests of the file, which are skipped where there is no browser. */
export function openBrowserStage(): BrowserStage {
  const { path, source } = inject('chromium')
  const opened: { close(): Promise<void> }[] = []
  let browser: Browser

  beforeAll(async () => {
    if (path === null) return
    browser = await chromium.launch({
      executablePath: path,
      // Chromium's sandbox refuses to be set up by root.
      args: isRoot() ? ['--no-sandbox'] : [],
      // Playwright turns off what browsers do: keep pages to bring back as they were.
      ignoreDefaultArgs: ['--disable-back-forward-cache'],
    })
  })
  beforeEach(({ skip }) => skip(path === null, `no Chromium: ${source}`))
  afterEach(async () => {
    for (const one of opened.splice(0).toReversed()) await one.close()
  })
  afterAll(async () => {
    if (path !== null) await browser.close()
  })

  function keep<Opened extends { close(): Promise<void> }>(one: Opened): Opened {
    opened.push(one)
    return one
  }
  return {
    openSite: async (options) => keep(await openSite(options)),
    async openDevice(options) {
      const device = keep(await browser.newContext(options))
      device.setDefaultTimeout(10_000)
      return device
    },
  }
}

/** One line of figures for whoever reads the output of a run. */
export function report(line: string): void {
  console.log(`browser: ${line}`)
}

/** Milliseconds as seconds: `1.6 s`. */
export function seconds(milliseconds: number): string {
  return `${(milliseconds / 1_000).toFixed(1)} s`
}

const screenshots = fileURLToPath(new URL('screenshots/', import.meta.url))

/** Keeps what the page looks like in `test/browser/screenshots/`, for people. */
export async function shoot(page: Page, name: string): Promise<void> {
  await mkdir(screenshots, { recursive: true })
  await page.screenshot({ path: `${screenshots}${name}.png`, fullPage: true })
}
