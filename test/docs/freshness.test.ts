import { afterAll, beforeAll, expect, test } from 'vitest'
import { openPage, type OpenPage } from './open-page.js'

const ownSessions = `import { createKeyRing, createSessions, generateKeys } from 'rollcall'
import { memoryStore } from 'rollcall/memory'
export const sessions = createSessions({
  store: memoryStore(),
  keys: await createKeyRing(await generateKeys()),
  issuer: 'https://a.b',
  audience: 'https://a.b',
  freshness: { maxStaleness: '5s' },
})
`

let page: OpenPage
beforeAll(async () => {
  page = await openPage('docs/freshness.md', { 'sessions.ts': ownSessions })
})
afterAll(() => page.close())

test('docs/freshness.md shows what is asked and what is kept', async () => {
  const { sources } = await page.load<{ sources: string[] }>('page.ts')
  expect(sources).toEqual(['store', 'cache', 'store'])
})

test('docs/freshness.md tells which setting weakens which promise', async () => {
  const { weakened } = await page.load<{ weakened: string[] }>('status.ts')
  expect(weakened).toEqual([expect.stringContaining('freshness.maxStaleness')])
})
