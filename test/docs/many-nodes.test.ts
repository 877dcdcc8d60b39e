import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, inject, test } from 'vitest'
import type { Sessions } from '../../src/sessions.js'
import type { Bus } from '../../src/ports/bus.js'
import { generateKeys } from '../../src/tokens/generate-keys.js'
import { openRoll, soon } from '../bus/describe-bus.js'
import { openPage } from './open-page.js'

const ownKnex = `import knexFactory from 'knex'
import { migrate } from 'rollcall/migrations'
export const knex = knexFactory({ client: 'better-sqlite3', connection: { filename: ':memory:' }, useNullAsDefault: true, pool: { min: 1, max: 1 } })
await migrate(knex)
`

interface NatsBus {
  readonly bus: Bus
  readonly connection: { close(): Promise<void> }
}

async function expectToHear(bus: Bus): Promise<void> {
  const openNode = await openRoll()
  const node = openNode(bus)
  await expect.poll(node.isUp, soon).toBe(true)
  await node.sessions.close()
}

test('docs/many-nodes.md shows that one node hears of what another ended', async () => {
  process.env['ROLLCALL_KEYS'] = JSON.stringify(await generateKeys())
  const page = await openPage('docs/many-nodes.md', { 'knex.ts': ownKnex })
  const { knex } = await page.load<{ knex: { destroy(): Promise<void> } }>('knex.ts')
  expect(await page.load('listen.ts')).toMatchObject({ told: 'alice: lost phone', code: 'session_ended' })
  await knex.destroy()
  const { openSessions } = await page.load<{ openSessions(url: string, secret: string): Promise<Sessions> }>('bus.ts')
  const postgres = inject('engines').postgres
  if (postgres !== null) {
    const sessions = await openSessions(postgres, 'a secret of thirty-two bytes or more')
    await expect.poll(() => sessions.status().outbox!.bus!.isUp, { timeout: 10_000 }).toBe(true)
    await sessions.close()
  }
  const folder = await mkdtemp(join(tmpdir(), 'rollcall-bus-'))
  const own = await page.load<{ folderBus(folder: string): Bus }>('folder-bus.ts')
  await expectToHear(own.folderBus(folder))
  await rm(folder, { recursive: true })
  const { redis, nats } = inject('engines')
  const redisPage = await page.load<{ openBus(url: string): Bus }>('redis-bus.ts')
  if (redis !== null) await expectToHear(redisPage.openBus(redis))
  const natsPage = await page.load<{ openBus(url: string): Promise<NatsBus> }>('nats-bus.ts')
  if (nats !== null) {
    const { bus, connection } = await natsPage.openBus(nats)
    await expectToHear(bus)
    await connection.close()
  }
  await page.close(['sessions.ts'])
})
