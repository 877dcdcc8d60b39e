import { expect, test } from 'vitest'
import { openPage } from './open-page.js'

test('docs/concepts.md shows what listeners hear, and the events of a user', async () => {
  const page = await openPage('docs/concepts.md')
  const { heard, trail } = await page.load<{ heard: string[]; trail: string[] }>('page.ts')
  expect(heard).toEqual([
    expect.stringMatching(/^alice session [\w-]{22} lost phone support:bob$/),
    'alice all null logout everywhere null',
  ])
  expect(trail).toEqual(['all_sessions_revoked logout everywhere null', 'session_revoked lost phone support:bob'])
  await page.close()
})
