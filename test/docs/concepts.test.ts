import { expect, test } from 'vitest'
import { openPage } from './open-page.js'

test('docs/concepts.md shows what listeners hear', async () => {
  const page = await openPage('docs/concepts.md')
  const { heard } = await page.load<{ heard: string[] }>('page.ts')
  expect(heard).toEqual([
    expect.stringMatching(/^alice session [\w-]{22} lost phone support:bob$/),
    'alice all null logout everywhere null',
  ])
  await page.close()
})
