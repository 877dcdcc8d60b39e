import { afterAll, beforeAll, expect, test } from 'vitest'
import { openPage, type OpenPage } from './open-page.js'

let page: OpenPage
beforeAll(async () => {
  page = await openPage('docs/freshness.md')
})
afterAll(() => page.close())

test('docs/freshness.md shows what is asked and what is kept', async () => {
  const { sources } = await page.load<{ sources: string[] }>('page.ts')
  expect(sources).toEqual(['store', 'cache', 'store'])
})
