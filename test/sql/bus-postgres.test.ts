import type { Knex } from 'knex'
import { expect, inject, test } from 'vitest'
import { postgresBus } from '../../adapters/bus/postgres.js'
import type { BackgroundError } from '../../src/notifier.js'
import type { OutboxOptions } from '../../src/settings.js'
import { describeSql, type SqlSessions, type SqlStage } from '../support/sql-stage.js'
import { startProxy } from '../support/tcp-proxy.js'

/** So long that whatever is told here is told by the bus. */
const pollInterval = '1m'

interface Node {
  readonly sessions: SqlSessions
  readonly told: string[]
  readonly faults: BackgroundError[]
}

async function listen({ sessionsOver }: SqlStage, knex: Knex, options: OutboxOptions = {}): Promise<Node> {
  const sessions = sessionsOver(knex, { outbox: { pollInterval, bus: postgresBus(knex), ...options } })
  const told: string[] = []
  const faults: BackgroundError[] = []
  sessions.on('revoked', ({ userId }) => void told.push(userId))
  sessions.on('error', (fault) => void faults.push(fault))
  return { sessions, told, faults }
}

const isUp = ({ sessions }: Node): boolean => sessions.status().outbox!.bus!.isUp
const soon = { interval: 5, timeout: 15_000 }

describeSql(
  'the bus of Postgres',
  (stage) => {
    test('wakes the others at once, after the commit and never before', async () => {
      const [here, there] = [await listen(stage(), stage().database.knex()), await listen(stage(), stage().knex)]
      await expect.poll(() => isUp(here) && isUp(there), soon).toBe(true)
      await there.sessions.revokeAll('at once')
      await expect.poll(() => here.told, soon).toEqual(['at once'])
      const transaction = await stage().knex.transaction()
      await there.sessions.revokeAll('in a transaction', { transaction })
      await there.sessions.revokeAll('beside it')
      await expect.poll(() => here.told, soon).toEqual(['at once', 'beside it'])
      await transaction.commit()
      await expect.poll(() => here.told, soon).toEqual(['at once', 'beside it', 'in a transaction'])
      expect(there.told).toEqual(here.told)
      await Promise.all([here.sessions.close(), there.sessions.close()])
    })

    test('that falls silent is noticed within three heartbeats, and what was missed is told: 500 of 500', async () => {
      const proxy = await startProxy(stage().database.url)
      // The events are read past the proxy: only the bus is cut off.
      const deaf = stage().database.knex({ connection: proxy.url })
      const here = await listen(stage(), stage().knex, { bus: postgresBus(deaf), heartbeat: 200 })
      await expect.poll(() => isUp(here), soon).toBe(true)
      const silent = proxy.swallow()
      await silent
      await expect.poll(() => isUp(here), soon).toBe(false)
      expect(here.faults.at(-1)).toMatchObject({ during: 'bus' })
      for (let count = 0; count < 500; count += 1) await stage().sessions.revokeAll(`missed-${count}`)
      expect(here.told).toEqual([])
      proxy.heal()
      await expect.poll(() => here.told.length, soon).toBe(500)
      expect(isUp(here)).toBe(true)
      expect(new Set(here.told).size).toBe(500)
      await here.sessions.close()
      await deaf.destroy()
      await proxy.close()
    })

    test('whose connection is killed makes another, and tells what was missed', async () => {
      const { knex, database, sessions } = stage()
      const here = await listen(stage(), database.knex())
      await expect.poll(() => isUp(here), soon).toBe(true)
      for (let round = 0; round < 5; round += 1) {
        await knex.raw(
          `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and query like 'select pg_notify%' and pid <> pg_backend_pid()`,
        )
        await expect.poll(() => here.sessions.status().outbox!.bus!.lost, soon).toBe(round + 1)
        await sessions.revokeAll(`killed-${round}`)
        await expect.poll(() => here.told.at(-1), soon).toBe(`killed-${round}`)
        await expect.poll(() => isUp(here), soon).toBe(true)
      }
      await here.sessions.close()
    })

    test('leaves no connection when it is closed', async () => {
      const { knex, database } = stage()
      const own = database.knex()
      const here = await listen(stage(), own)
      await expect.poll(() => isUp(here), soon).toBe(true)
      await here.sessions.close()
      await own.destroy()
      const count = async (): Promise<unknown> => {
        const { rows } = (await knex.raw(
          `select count(*)::int as n from pg_stat_activity where datname = current_database() and query like '%pg_notify%' and pid <> pg_backend_pid()`,
        )) as { rows: { n: number }[] }
        return rows[0]!.n
      }
      await expect.poll(count, soon).toBe(0)
    })

    test.skipIf(inject('engines').pgbouncer === null)(
      'says why it is deaf behind a pooler in transaction mode',
      async () => {
        const url = new URL(inject('engines').pgbouncer!)
        url.pathname = new URL(stage().database.url).pathname
        const pooled = stage().database.knex({ connection: url.href })
        const here = await listen(stage(), stage().knex, { bus: postgresBus(pooled), heartbeat: 200 })
        await expect.poll(() => here.faults.length, soon).toBeGreaterThan(0)
        expect(here.faults[0]).toMatchObject({
          during: 'bus',
          error: { message: expect.stringContaining('pooler') as unknown },
        })
        expect(isUp(here)).toBe(false)
        await here.sessions.close()
        await pooled.destroy()
      },
    )
  },
  ['postgres'],
)

describeSql(
  'what is no Postgres',
  (stage) => {
    test('is a TypeError', () => {
      expect(() => postgresBus(stage().knex)).toThrow(TypeError)
      expect(() => postgresBus({} as Knex)).toThrow(TypeError)
    })
  },
  ['sqlite'],
)
