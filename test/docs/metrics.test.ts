import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Sessions } from '../../src/sessions.js'
import { collectMetrics } from '../support/metrics.js'
import { openPage, type OpenPage } from './open-page.js'
import { root } from './read-page.js'

const ownSessions = `import { createKeyRing, createSessions, generateKeys } from 'rollcall'
import { memoryStore } from 'rollcall/memory'
export const sessions = createSessions({
  store: memoryStore(),
  keys: await createKeyRing(await generateKeys()),
  issuer: 'https://a.b',
  audience: 'https://a.b',
  freshness: { maxStaleness: '5s' },
  outbox: {},
})
`

let page: OpenPage
beforeAll(async () => {
  page = await openPage('docs/metrics.md', { 'sessions.ts': ownSessions })
})
afterAll(() => page.close())

test('docs/metrics.md tells which setting weakens which promise', async () => {
  const { weakened } = await page.load<{ weakened: string[] }>('status.ts')
  expect(weakened).toEqual([expect.stringContaining('freshness.maxStaleness')])
})

test('docs/metrics.md measures by the global provider, and names every instrument', async () => {
  const { collect, close } = collectMetrics('globally')
  const { sessions } = await page.load<{ sessions: Sessions }>('metrics.ts')
  const { accessToken } = await sessions.create({ userId: 'alice' })
  await sessions.verify(accessToken)
  await sessions.revokeToken(accessToken)
  const names = (await collect()).map(({ name }) => name)
  expect(names).toContain('rollcall.verb.duration')
  const text = await readFile(join(root, 'docs/metrics.md'), 'utf8')
  const named = [...text.matchAll(/^\| (`rollcall[^|]*) \|/gm)].flatMap(([, cell]) => expand(cell!))
  expect(named).toEqual(expect.arrayContaining(names))
  await close()
})

/** `a.b.c`, `.d` names a.b.c and a.b.d. */
function expand(cell: string): string[] {
  let before = ''
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, name]) => {
    const whole = name!.startsWith('.') ? before.replace(/\.[^.]*$/, name!) : name!
    before = whole
    return whole
  })
}
