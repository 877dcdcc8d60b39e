import type { Knex } from 'knex'
import { describe } from 'vitest'
import { migrate } from '../../adapters/sql/migrate.js'
import { describeStore, type OpenTransaction } from '../conformance/index.js'
import { createDatabase, isLeftOut, sqlEngineNames, storeFor } from '../support/databases.js'

for (const engine of sqlEngineNames) {
  describe.skipIf(isLeftOut(engine))(
    isLeftOut(engine) ? `${engine} (left out by ROLLCALL_TEST_WITHOUT)` : engine,
    () => {
      describeStore<Knex.Transaction>(engine, {
        async open() {
          const database = await createDatabase(engine)
          const knex = database.knex()
          await migrate(knex)
          return {
            store: storeFor(engine, knex),
            elsewhere: storeFor(engine, database.knex()),
            begin: () => begin(knex),
            close: () => database.drop(),
          }
        },
      })
    },
  )
}

async function begin(knex: Knex): Promise<OpenTransaction<Knex.Transaction>> {
  const transaction = await knex.transaction()
  return {
    transaction,
    commit: async () => void (await transaction.commit()),
    rollback: async () => void (await transaction.rollback()),
  }
}
