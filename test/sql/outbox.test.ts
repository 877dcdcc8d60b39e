import { expect, test } from 'vitest'
import { createFakeClock } from '../conformance/fake-clock.js'
import { describeSql, type SqlSessions, type SqlStage } from '../support/sql-stage.js'

/** A process that listens, and the users its listeners were told of. */
async function listen({ sessionsOver, database }: SqlStage): Promise<{ node: SqlSessions; told: string[] }> {
  const node = sessionsOver(database.knex(), { outbox: { pollInterval: 10 } })
  const told: string[] = []
  node.on('revoked', ({ userId }) => void told.push(userId))
  await expect.poll(() => node.status().outbox!.age, { interval: 5 }).not.toBeNull()
  return { node, told }
}

describeSql(
  'events of transactions that commit late',
  (stage) => {
    test('are told all, and one open transaction holds up nobody', async () => {
      const { knex, sessions } = stage()
      const { node, told } = await listen(stage())
      const open = await Promise.all(Array.from({ length: 3 }, () => knex.transaction()))
      for (const [index, transaction] of open.entries()) await sessions.revokeAll(`late-${index}`, { transaction })
      for (let count = 0; count < 5; count += 1) await sessions.revokeAll(`early-${count}`)
      await expect.poll(() => told.length, { interval: 5 }).toBe(5)
      const [first, second, third] = open
      // In another order than their numbers, and one not at all.
      await third!.commit()
      await expect.poll(() => told.at(-1), { interval: 5 }).toBe('late-2')
      await second!.rollback()
      await first!.commit()
      await expect.poll(() => told.at(-1), { interval: 5 }).toBe('late-0')
      await sessions.revokeAll('last')
      await expect.poll(() => told.at(-1), { interval: 5 }).toBe('last')
      const early = Array.from({ length: 5 }, (_, count) => `early-${count}`)
      expect(told.toSorted()).toEqual([...early, 'last', 'late-0', 'late-2'])
      await node.close()
    })

    test('are told, too, when they were numbered before this process began', async () => {
      const { knex, sessions } = stage()
      const transaction = await knex.transaction()
      await sessions.revokeAll('open before', { transaction })
      await sessions.revokeAll('committed before')
      const { node, told } = await listen(stage())
      await transaction.commit()
      await expect.poll(() => told, { interval: 5 }).toEqual(['open before'])
      await node.close()
    })

    test('of this process are told, however early they are', async () => {
      const { sessionsOver, database } = stage()
      for (let round = 0; round < 10; round += 1) {
        const node = sessionsOver(database.knex(), { outbox: { pollInterval: 10 } })
        const told: string[] = []
        node.on('revoked', ({ userId }) => void told.push(userId))
        const users = Array.from({ length: 10 }, (_, index) => `early-${round}-${index}`)
        await Promise.all(users.map((userId) => node.revokeAll(userId)))
        expect(told.filter((userId) => users.includes(userId)).toSorted()).toEqual(users)
        await node.close()
      }
    })

    test('beside a row that another program has broken are told all the same', async () => {
      const { knex, sessions } = stage()
      const { node, told } = await listen(stage())
      const faults: unknown[] = []
      node.on('error', (fault) => void faults.push(fault))
      const row = { event_id: 'odd', type: 'all_sessions_revoked', user_id: 'odd', reason: 'x', at: '9007199254740993' }
      await knex('rollcall_events').insert(row)
      const newer = { event_id: 'new', type: 'of_a_newer_version', user_id: 'new', reason: 'x', at: 1 }
      await knex('rollcall_events').insert(newer)
      await sessions.revokeAll('after')
      await expect.poll(() => told.at(-1), { interval: 5 }).toBe('after')
      expect(faults[0]).toMatchObject({ during: 'outbox' })
      await knex('rollcall_events').whereIn('event_id', ['odd', 'new']).delete()
      await node.close()
    })

    test('of many writers at once are told once each', async () => {
      const { sessionsOver, database } = stage()
      const listeners = await Promise.all([listen(stage()), listen(stage())])
      const knex = database.knex()
      const writers = sessionsOver(knex)
      const users = Array.from({ length: 300 }, (_, index) => `crowd-${index}`)
      await Promise.all(
        users.map(async (userId, index) => {
          if (index % 3 > 0) return writers.revokeAll(userId)
          return knex.transaction(async (transaction) => writers.revokeAll(userId, { transaction }))
        }),
      )
      for (const { node, told } of listeners) {
        await expect.poll(() => told.length, { interval: 5, timeout: 10_000 }).toBe(300)
        expect(told.toSorted()).toEqual(users.toSorted())
        await node.close()
      }
    })
  },
  ['postgres', 'mariadb', 'mysql'],
)

describeSql(
  'a transaction of Postgres that has taken the last number there is',
  (stage) => {
    test('is waited for, though the greatest that is over is smaller', async () => {
      const { knex, sessions, sessionsOver, database } = stage()
      const clock = createFakeClock()
      const node = sessionsOver(database.knex(), { clock, outbox: { pollInterval: 10 } })
      const told: string[] = []
      node.on('revoked', ({ userId }) => void told.push(userId))
      const look = async (): Promise<void> => {
        clock.advance(1_000)
        await expect.poll(() => node.status().outbox!.age, { interval: 5 }).toBe(0)
      }
      await expect.poll(() => node.status().outbox!.age, { interval: 5 }).not.toBeNull()
      const [first, last] = [await knex.transaction(), await knex.transaction()]
      await first.raw('select pg_current_xact_id()')
      await sessions.revokeAll('late', { transaction: last })
      await sessions.revokeAll('early', { transaction: first })
      await first.commit()
      for (let second = 0; second < 20; second += 1) await look()
      expect(told).toEqual(['early'])
      await last.commit()
      await look()
      expect(told).toEqual(['early', 'late'])
      await node.close()
    })
  },
  ['postgres'],
)

describeSql('a process that starts behind many events', (stage) => {
  test('tells of one that was written before them all and committed after', async () => {
    const { knex, sessions, engine } = stage()
    // On SQLite nobody else writes while a transaction does.
    const transaction = engine === 'sqlite' ? undefined : await knex.transaction()
    if (transaction) await sessions.revokeAll('open all the while', { transaction })
    const rows = Array.from({ length: 1_200 }, (_, index) => ({
      event_id: `many-${index}`,
      type: 'all_sessions_revoked',
      user_id: `many-${index}`,
      token_version: 1,
      reason: 'x',
      at: Date.now(),
    }))
    await knex.batchInsert('rollcall_events', rows, 100)
    const { node, told } = await listen(stage())
    await transaction?.commit()
    await sessions.revokeAll('after')
    const expected = transaction ? ['after', 'open all the while'] : ['after']
    await expect.poll(() => told.toSorted(), { interval: 5 }).toEqual(expected)
    await node.close()
  })
})

describeSql('a commit whose answer was lost', (stage) => {
  test('is told by the outbox, once', async () => {
    const { store, sessionsOver, database, sessions } = stage()
    const raiseVersion: typeof store.raiseVersion = async (...given) => {
      await store.raiseVersion(...given)
      throw new Error('the connection ended')
    }
    const node = sessionsOver(database.knex(), { outbox: { pollInterval: 10 }, store: { ...store, raiseVersion } })
    const told: unknown[] = []
    node.on('revoked', ({ userId, isOwn }) => void told.push([userId, isOwn]))
    await expect.poll(() => node.status().outbox!.age, { interval: 5 }).not.toBeNull()
    await expect(node.revokeAll('lost')).rejects.toMatchObject({ code: 'store_unavailable' })
    await expect.poll(() => told, { interval: 5 }).toEqual([['lost', true]])
    await sessions.revokeAll('marker')
    await expect
      .poll(() => told, { interval: 5 })
      .toEqual([
        ['lost', true],
        ['marker', false],
      ])
    await node.close()
  })
})
