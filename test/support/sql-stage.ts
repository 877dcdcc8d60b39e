import type { Knex } from 'knex'
import { afterAll, beforeAll, describe } from 'vitest'
import { migrate } from '../../adapters/sql/migrate.js'
import type { SqlStore } from '../../adapters/sql/postgres.js'
import { createSessions, type Sessions } from '../../src/sessions.js'
import type { SessionsOptions } from '../../src/settings.js'
import { createKeyRing, type KeyRing } from '../../src/tokens/key-ring.js'
import {
  createDatabase,
  isLeftOut,
  sqlEngineNames,
  storeFor,
  type SqlEngineName,
  type TestDatabase,
} from './databases.js'

/** Shared with the second process of a test. */
export const secret = 'a secret of thirty-two bytes or more'

export type SqlSessions = Sessions<Record<never, never>, Knex.Transaction>

/** One migrated database for the cases of a file. */
export interface SqlStage {
  readonly engine: SqlEngineName
  readonly database: TestDatabase
  readonly knex: Knex
  readonly keys: KeyRing
  readonly store: SqlStore
  readonly sessions: SqlSessions
  sessionsOver(knex: Knex, options?: Partial<SessionsOptions<Record<never, never>, Knex.Transaction>>): SqlSessions
}

/** Describes the same cases on every SQL engine, or says which one was left out. */
export function describeSql(
  title: string,
  cases: (stage: () => SqlStage, engine: SqlEngineName) => void,
  engines: readonly SqlEngineName[] = sqlEngineNames,
): void {
  for (const engine of engines) {
    if (isLeftOut(engine)) {
      describe.skip(`${title} (${engine} was left out by ROLLCALL_TEST_WITHOUT)`, () =>
        cases(openStage(engine), engine))
    } else {
      describe(`${title} (${engine})`, () => cases(openStage(engine), engine))
    }
  }
}

function openStage(engine: SqlEngineName): () => SqlStage {
  let stage: SqlStage
  beforeAll(async () => {
    const database = await createDatabase(engine)
    const knex = database.knex()
    await migrate(knex)
    const keys = await createKeyRing({ secret })
    const sessionsOver: SqlStage['sessionsOver'] = (over, options) =>
      createSessions<Record<never, never>, Knex.Transaction>({
        store: storeFor(engine, over),
        keys,
        issuer: 'https://issuer.example',
        audience: 'https://api.example',
        ...options,
      })
    const store = storeFor(engine, knex)
    stage = { engine, database, knex, keys, store, sessions: sessionsOver(knex), sessionsOver }
  })
  afterAll(async () => {
    await stage.sessions.close()
    await stage.database.drop()
  })
  return () => stage
}
