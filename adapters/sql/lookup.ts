import { nameOf } from '../../src/ids.js'
import type { SessionKey, SessionStore, StandingRecord } from '../../src/ports/store.js'
import type { Knex } from 'knex'
import type { Dialect, Result, Run, Statement, Value } from './dialect.js'
import type { SqlEngine } from './engine.js'
import { padTo } from './keys.js'
import { readStanding, standingColumns } from './rows.js'

/** No session has an empty id. */
const nobody: SessionKey = { userId: '', sid: '' }

type LookupStore = Pick<SessionStore<Knex.Transaction>, 'lookup'>

/** The hot path: one key takes the single-key statement, many take one statement together. */
export function lookupMethods(
  { connections, dialect, tables }: SqlEngine,
  options: { readonly preparedStatements: boolean },
): LookupStore {
  const columns = standingColumns.join(', ')
  const hot = { isHot: options.preparedStatements }
  const { manyKeys } = dialect
  const statements = {
    one: dialect.compile(
      `select ${columns} from ${tables.sessions} s join ${tables.users} u on u.user_id = s.user_id where s.user_id = ? and s.sid = ?`,
      hot,
    ),
    many: new Map(
      (manyKeys.sizes ?? [0]).map((size) => [
        size,
        dialect.compile(`select ${columns} ${manyKeys.source(tables, size)}`, hot),
      ]),
    ),
  }
  const largest = manyKeys.sizes?.at(-1) ?? 1_000

  const runHot = createRunHot(dialect)

  async function readMany(run: Run, keys: readonly SessionKey[]): Promise<StandingRecord[]> {
    const size = manyKeys.sizes?.find((candidate) => candidate >= keys.length) ?? 0
    const { rows } = await runHot(run, statements.many.get(size)!, manyKeys.values(padTo(size, keys, nobody)))
    return rows.map(readStanding)
  }

  return {
    lookup: (keys, scope) =>
      connections.use(scope, async (run) => {
        const [only] = keys
        if (only === undefined) return []
        if (keys.length === 1) {
          const { rows } = await runHot(run, statements.one, [only.userId, only.sid])
          return [rows[0] === undefined ? null : readStanding(rows[0])]
        }
        const found = new Map<string, StandingRecord>()
        for (let start = 0; start < keys.length; start += largest) {
          for (const record of await readMany(run, keys.slice(start, start + largest)))
            found.set(nameOf(record), record)
        }
        return keys.map((key) => found.get(nameOf(key)) ?? null)
      }),
  }
}

type RunHot = (run: Run, statement: Statement, values: readonly Value[]) => Promise<Result>

/** Behind a transaction pooler the names of prepared statements get lost; from then on none are used. */
function createRunHot(dialect: Dialect): RunHot {
  let hasLostNames = false
  const runNamed: RunHot = async (run, statement, values) => {
    try {
      return await run(statement, values)
    } catch (error) {
      const unnamed = dialect.withoutName(statement, error)
      if (unnamed === null) throw error
      hasLostNames = true
      return run(unnamed, values)
    }
  }
  return (run, statement, values) => {
    if (statement.name === null) return run(statement, values)
    return hasLostNames ? run({ ...statement, name: null }, values) : runNamed(run, statement, values)
  }
}
