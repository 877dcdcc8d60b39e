import type { Knex } from 'knex'
import { beforeAll, describe, test } from 'vitest'
import type { Store } from '../../src/ports/store.js'
import { createSessions } from '../../src/sessions.js'
import { changes } from '../support/changes-racing-refresh.js'
import { storeFor } from '../support/databases.js'
import {
  createTrigger,
  dropTrigger,
  faultRace,
  killFault,
  readerFault,
  triggerFault,
  updateOn,
} from '../support/faults-racing-refresh.js'
import { openGround, runRace, type Ground } from '../support/refresh-races.js'
import { describeSql } from '../support/sql-stage.js'
import { note, poolWithBarriers, withBarriers } from '../support/turns.js'

const schedules = 1_000
const connections = 24
const refreshToken = { secret: 'another secret of thirty-two bytes or more' }

/** Of two acts of ten schedules at once, each may hold a connection. SQLite has one, and holds it for a whole method. */
function poolOf(engine: string): Knex.PoolConfig {
  const noteUpdate = (connection: object, sql: string): void => {
    const { threadId } = connection as { threadId?: number }
    if (threadId !== undefined && sql.startsWith('update')) note(`${updateOn}${threadId}`)
  }
  if (engine !== 'sqlite') return poolWithBarriers(connections, noteUpdate)
  const afterCreate = (
    connection: { pragma(sql: string): void },
    done: (error: null, connection: object) => void,
  ): void => {
    // A lock of another connection of this process would be waited for in vain.
    connection.pragma('busy_timeout = 0')
    // No power fails here.
    connection.pragma('synchronous = off')
    done(null, connection)
  }
  return { min: 1, max: 1, afterCreate }
}

describeSql('refresh', (stage, engine) => {
  let ground: Ground
  let aside: Knex
  beforeAll(() => {
    const { database, keys } = stage()
    // Neither a barrier nor a transaction of an act is on these connections.
    aside = database.knex(engine === 'sqlite' ? {} : { pool: { min: 0, max: connections } })
    const store = withBarriers(storeFor(engine, database.knex({ pool: poolOf(engine) }))) as unknown as Store
    ground = openGround(engine, store, (clock) =>
      createSessions({
        store,
        keys,
        refreshToken,
        clock,
        issuer: 'https://issuer.example',
        audience: 'https://api.example',
        storeTimeout: '60s',
      }),
    )
  })

  test.each(changes)(
    `that races $title revives nothing and burns nothing, in ${schedules} schedules`,
    (race) => runRace(ground, race, schedules),
    120_000,
  )

  test(`whose write a trigger rolls back burns nothing, in ${schedules} schedules`, async () => {
    await createTrigger(engine, aside, 'at once')
    await runRace(ground, faultRace('a write that is rolled back', triggerFault(aside), 10), schedules)
    await dropTrigger(engine, aside)
  }, 120_000)

  describe('whose commit fails', () => {
    if (engine === 'postgres') {
      test(`since a deferred constraint trigger raises burns nothing, in ${schedules} schedules`, async () => {
        await createTrigger(engine, aside, 'at commit')
        await runRace(ground, faultRace('a commit that fails', triggerFault(aside), 10), schedules)
        await dropTrigger(engine, aside)
      }, 120_000)
    } else if (engine === 'sqlite') {
      test(`since a reader holds the lock burns nothing, in ${schedules} schedules`, async () => {
        await runRace(ground, faultRace('a commit that a reader blocks', readerFault(aside), 1), schedules)
      }, 120_000)
    } else {
      test(`since its connection is killed before burns nothing, in ${schedules} schedules`, async () => {
        await runRace(ground, faultRace('a kill of its connection', killFault(aside), 10), schedules)
      }, 120_000)
    }
  })
})
