import createKnex, { type Knex } from 'knex'
import pg from 'pg'
import { expect, inject, onTestFinished, test } from 'vitest'
import { postgresBus } from '../../adapters/bus/postgres.js'
import { describeSql } from '../support/sql-stage.js'
import { describeBus, openRoll, soon } from './describe-bus.js'

async function query<Row>(url: string, sql: string, values: readonly string[] = []): Promise<Row[]> {
  const knex = createKnex({ client: 'pg', connection: url })
  try {
    const { rows } = (await knex.raw(sql, values)) as { rows: Row[] }
    return rows
  } finally {
    await knex.destroy()
  }
}

const busConnections =
  "from pg_stat_activity where (query like 'select pg_notify($1, $2)' or query like 'listen%') and pid <> pg_backend_pid()"

describeBus(
  {
    title: 'the bus of Postgres',
    engine: 'postgres',
    async connect(url) {
      const knex = createKnex({ client: 'pg', connection: url })
      return { bus: postgresBus(knex), close: () => knex.destroy() }
    },
    async forge(url, texts) {
      for (const text of texts) await query(url, `select pg_notify('rollcall', ?)`, [text])
    },
    async count(url) {
      const [row] = await query<{ n: number }>(url, `select count(*)::int as n ${busConnections}`)
      return row!.n
    },
  },
  (url) => {
    test('whose connection is killed makes another, and tells what was missed', async () => {
      const openNode = await openRoll()
      const knex = createKnex({ client: 'pg', connection: url() })
      onTestFinished(() => knex.destroy())
      const [here, there] = [openNode(postgresBus(knex)), openNode(null)]
      for (let round = 1; round <= 5; round += 1) {
        await expect.poll(here.isUp, soon).toBe(true)
        await query(url(), `select pg_terminate_backend(pid) ${busConnections}`)
        await expect.poll(() => here.sessions.status().outbox!.bus!.lost, soon).toBe(round)
        await there.sessions.revokeAll(`killed-${round}`)
        await expect.poll(() => here.told.at(-1), soon).toBe(`killed-${round}`)
      }
    })
  },
)

describeSql(
  'the bus of Postgres with other settings of Knex',
  (stage) => {
    test('asks for them anew with each link where they are a function', async () => {
      const { url } = stage().database
      let asked = 0
      const connection = async (): Promise<{ connectionString: string }> => {
        asked += 1
        return { connectionString: url }
      }
      const knex = createKnex({ client: 'pg', connection })
      const openNode = await openRoll()
      const here = openNode(postgresBus(knex))
      for (let round = 1; round <= 3; round += 1) {
        await expect.poll(here.isUp, soon).toBe(true)
        expect(asked).toBe(round)
        await query(url, `select pg_terminate_backend(pid) ${busConnections} and datname = current_database()`)
        await expect.poll(() => here.sessions.status().outbox!.bus!.lost, soon).toBe(round)
      }
      await here.sessions.close()
      await knex.destroy()
    })

    test('refuses an instance that was given a pool, since it does not know how to connect', () => {
      const knex = createKnex({ client: 'pg', connectionPool: new pg.Pool() } as Knex.Config)
      expect(() => postgresBus(knex)).toThrow('connectionPool')
    })
  },
  ['postgres'],
)

describeSql(
  'the bus of Postgres beside a store of Postgres',
  (stage) => {
    test('wakes the others after the commit and never before', async () => {
      const { database, knex, sessionsOver } = stage()
      const listen = (over: Knex): { sessions: ReturnType<typeof sessionsOver>; told: string[] } => {
        const sessions = sessionsOver(over, { outbox: { pollInterval: '1m', bus: postgresBus(over) } })
        onTestFinished(() => sessions.close())
        const told: string[] = []
        sessions.on('revoked', ({ userId }) => void told.push(userId))
        return { sessions, told }
      }
      const [here, there] = [listen(database.knex()), listen(knex)]
      const isUp = (): boolean => [here, there].every(({ sessions }) => sessions.status().outbox!.bus!.isUp)
      await expect.poll(isUp, soon).toBe(true)
      const transaction = await knex.transaction()
      await there.sessions.revokeAll('in a transaction', { transaction })
      await there.sessions.revokeAll('beside it')
      await expect.poll(() => here.told, soon).toEqual(['beside it'])
      await transaction.commit()
      await expect.poll(() => here.told, soon).toEqual(['beside it', 'in a transaction'])
      expect(there.told).toEqual(here.told)
    })

    test.skipIf(inject('engines').pgbouncer === null)(
      'says why it is deaf behind a pooler in transaction mode',
      async () => {
        const url = new URL(inject('engines').pgbouncer!)
        url.pathname = new URL(stage().database.url).pathname
        const openNode = await openRoll()
        const pooled = stage().database.knex({ connection: url.href })
        const here = openNode(postgresBus(pooled), { heartbeat: 200 })
        await expect.poll(() => String(here.faults[0]?.error), soon).toMatch(/pooler/)
        expect(here.faults[0]).toMatchObject({ during: 'bus' })
        expect(here.isUp()).toBe(false)
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
