import type { Knex } from 'knex'
import { expect, test } from 'vitest'
import { codeOf } from '../conformance/harness.js'
import { describeSql, type SqlStage } from '../support/sql-stage.js'

/** Runs a change inside transactions of the caller's and tells what listeners heard and what holds afterwards. */
async function observe(
  stage: SqlStage,
  knex: Knex,
  change: (revokeIn: (transaction: Knex.Transaction) => Promise<void>) => Promise<unknown>,
) {
  const sessions = stage.sessionsOver(knex)
  const userId = `user-${crypto.randomUUID()}`
  const { accessToken } = await sessions.create({ userId })
  const heard: string[] = []
  const faults: unknown[] = []
  sessions.on('revoked', (event) => heard.push(event.userId))
  sessions.on('error', (event) => faults.push(event))
  await change(async (transaction) => void (await sessions.revokeAll(userId, { transaction })))
  // The check of the event follows the end of the transaction; a listener is told before this later change is.
  const marker = `marker-${crypto.randomUUID()}`
  const isMarked = new Promise<void>(
    (resolve) => void sessions.on('revoked', (event) => event.userId === marker && resolve()),
  )
  await knex.transaction(async (transaction) => void (await sessions.revokeAll(marker, { transaction })))
  await isMarked
  await sessions.close()
  const later = stage.sessionsOver(stage.knex)
  return {
    isHeard: heard.includes(userId),
    isRevoked: (await codeOf(later.verify(accessToken))) === 'session_ended',
    faults,
  }
}

describeSql(
  'a session that is kept while its revoke waits in a transaction',
  (stage) => {
    test('is not kept beyond the commit, even where nobody can tell that there was one', async () => {
      const { knex, store, sessionsOver } = stage()
      const committed = (): Promise<never> => Promise.reject(new Error('the pool is empty'))
      const sessions = sessionsOver(knex, { freshness: { maxStaleness: '1h' }, store: { ...store, committed } })
      const { accessToken, session } = await sessions.create({ userId: 'kept' })
      const told = new Promise((resolve) => void sessions.on('error', resolve))
      await knex.transaction(async (transaction) => {
        await sessions.revoke('kept', session.sid, { transaction })
        expect((await sessions.verify(accessToken)).source).toBe('store')
        expect((await sessions.verify(accessToken)).source).toBe('cache')
      })
      expect(await told).toMatchObject({ during: 'commit check' })
      expect(await codeOf(sessions.verify(accessToken))).toBe('session_ended')
    })
  },
  ['postgres', 'mariadb', 'mysql'],
)

const seen = { isHeard: true, isRevoked: true, faults: [] }
const unseen = { isHeard: false, isRevoked: false, faults: [] }

for (const pool of [
  { min: 0, max: 1 },
  { min: 0, max: 4 },
]) {
  describeSql(`committed means seen, with a pool of ${pool.max}`, (stage, engine) => {
    const knexOf = (): Knex => (engine === 'sqlite' ? stage().database.knex() : stage().database.knex({ pool }))

    test('a commit is heard', async () => {
      const knex = knexOf()
      const outcome = await observe(stage(), knex, (revokeIn) =>
        knex.transaction((transaction) => revokeIn(transaction)),
      )
      expect(outcome).toEqual(seen)
    })

    test('a callback that throws is not heard', async () => {
      const knex = knexOf()
      const outcome = await observe(stage(), knex, async (revokeIn) => {
        const failing = knex.transaction(async (transaction) => {
          await revokeIn(transaction)
          throw new Error('the app failed')
        })
        await expect(failing).rejects.toThrow('the app failed')
      })
      expect(outcome).toEqual(unseen)
    })

    test('commit and rollback of a provided transaction are told apart, although both promises resolve', async () => {
      const knex = knexOf()
      for (const isCommitted of [true, false]) {
        const outcome = await observe(stage(), knex, async (revokeIn) => {
          const transaction = await knex.transaction()
          await revokeIn(transaction)
          await (isCommitted ? transaction.commit() : transaction.rollback())
        })
        expect(outcome).toEqual(isCommitted ? seen : unseen)
      }
    })

    test('a raw ROLLBACK before the commit is not heard', async () => {
      const knex = knexOf()
      const outcome = await observe(stage(), knex, async (revokeIn) => {
        const transaction = await knex.transaction()
        await revokeIn(transaction)
        await transaction.raw('rollback')
        await transaction.commit().catch(() => {})
      })
      expect(outcome).toEqual(unseen)
    })

    test('a commit after a failed statement is heard only where the engine committed', async () => {
      const knex = knexOf()
      const outcome = await observe(stage(), knex, async (revokeIn) => {
        const transaction = await knex.transaction()
        await revokeIn(transaction)
        await expect(transaction.raw('select * from no_such_table')).rejects.toThrow()
        await transaction.commit()
      })
      // Postgres answers COMMIT of an aborted transaction with ROLLBACK and no error; the others commit.
      expect(outcome).toEqual(engine === 'postgres' ? unseen : seen)
    })

    test('a released savepoint under a parent that fails is not heard', async () => {
      const knex = knexOf()
      const outcome = await observe(stage(), knex, async (revokeIn) => {
        const parent = knex.transaction(async (outer) => {
          await outer.transaction((inner) => revokeIn(inner))
          throw new Error('the parent failed')
        })
        await expect(parent).rejects.toThrow('the parent failed')
      })
      expect(outcome).toEqual(unseen)
    })

    test('a released savepoint under a parent that commits is heard, a rolled-back one is not', async () => {
      const knex = knexOf()
      for (const isReleased of [true, false]) {
        const outcome = await observe(stage(), knex, (revokeIn) =>
          knex.transaction(async (outer) => {
            const inner = await outer.transaction()
            await revokeIn(inner)
            await (isReleased ? inner.commit() : inner.rollback())
            // Whoever took the released savepoint for the end has asked for the event and not found it by now.
            if (pool.max > 1 && engine !== 'sqlite') for (let read = 0; read < 20; read += 1) await knex.raw('select 1')
          }),
        )
        expect(outcome).toEqual(isReleased ? seen : unseen)
      }
    })

    test.skipIf(engine === 'sqlite')(
      'a connection killed before its commit is not heard (SQLite has no connection to kill)',
      async () => {
        const knex = knexOf()
        const outcome = await observe(stage(), knex, async (revokeIn) => {
          const transaction = await knex.transaction()
          await revokeIn(transaction)
          await kill(stage(), transaction)
          await transaction.commit().catch(() => {})
        })
        expect(outcome).toEqual(unseen)
      },
    )
  })
}

/** Ends the server's side of a transaction's connection from another one. */
async function kill({ engine, knex }: SqlStage, transaction: Knex.Transaction): Promise<void> {
  if (engine === 'postgres') {
    const { rows } = (await transaction.raw('select pg_backend_pid() as pid')) as { rows: { pid: number }[] }
    await knex.raw('select pg_terminate_backend(?)', [rows[0]!.pid])
  } else {
    const [rows] = (await transaction.raw('select connection_id() as id')) as [{ id: number }[]]
    await knex.raw(`kill ${rows[0]!.id}`)
  }
}
