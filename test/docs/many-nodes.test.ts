import { expect, test } from 'vitest'
import { openPage } from './open-page.js'

const ownKnex = `import knexFactory from 'knex'
import { migrate } from 'rollcall/migrations'
export const knex = knexFactory({ client: 'better-sqlite3', connection: { filename: ':memory:' }, useNullAsDefault: true, pool: { min: 1, max: 1 } })
await migrate(knex)
`

test('docs/many-nodes.md shows that one node hears of what another ended', async () => {
  const page = await openPage('docs/many-nodes.md', { 'knex.ts': ownKnex })
  const { knex } = await page.load<{ knex: { destroy(): Promise<void> } }>('knex.ts')
  expect(await page.load('listen.ts')).toMatchObject({ told: 'alice: lost phone', code: 'session_ended' })
  await knex.destroy()
  await page.close(['sessions.ts'])
})
