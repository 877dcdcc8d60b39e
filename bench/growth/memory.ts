import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Knex } from 'knex'
import { createSessions, type KeyRing, type Sessions } from 'rollcall'
import { markdownTable } from '../markdown.js'
import { audience, issuer, openKeys, signToken } from '../tokens.js'
import type { Grown } from './sizes.js'

const kept = 100_000

export interface MemoryCase {
  readonly engine: string
  readonly sessions: number
  /** Bytes for each, the tables of the cache among them. */
  readonly perSession: number
}

/** What the process holds more after as many sessions were read and kept, and no token. */
export async function measureMemory({ database, roll }: Grown): Promise<MemoryCase> {
  const keys = await openKeys()
  const count = Math.min(kept, roll.sessions)
  // What the driver and the compiler take at first is not the cache's.
  await readAndKeep({ database, roll }, keys, Math.ceil(count / 20))
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const used = (): number => {
    collect()
    const { heapUsed, arrayBuffers } = process.memoryUsage()
    return heapUsed + arrayBuffers
  }
  const before = used()
  const sessions = await readAndKeep({ database, roll }, keys, count)
  const perSession = Math.round((used() - before) / count)
  const { entries } = sessions.status().sessions
  if (entries !== count) throw new Error(`${database.version}: ${entries} of ${count} sessions are kept`)
  return { engine: database.version, sessions: entries, perSession }
}

async function readAndKeep(
  { database, roll }: Pick<Grown, 'database' | 'roll'>,
  keys: KeyRing,
  count: number,
): Promise<Pick<Sessions<unknown, Knex.Transaction>, 'status'>> {
  const sessions = createSessions({
    store: database.store,
    keys,
    issuer,
    audience,
    freshness: { maxStaleness: '1h' },
    cacheSize: { tokens: 0, sessions: count },
    // Nothing is written meanwhile.
    session: { lastSeenInterval: '1d' },
  })
  let next = 0
  const read = async (): Promise<void> => {
    while (next < count) await sessions.verify(await signToken(keys, roll, next++))
  }
  await Promise.all(Array.from({ length: 64 }, read))
  await sessions.close()
  return sessions
}

export const memoryCaption: string =
  'Memory of the process for each session that it keeps where `maxStaleness` is above 0 (heap and buffers after a collection, ' +
  'less those before), with the cache of tokens off.'

export function memoryTable(cases: readonly MemoryCase[]): string {
  return markdownTable(
    ['engine', 'sessions kept', 'bytes for each'],
    cases.map(({ engine, sessions, perSession }) => [
      engine,
      ...[sessions, perSession].map((count) => count.toLocaleString('en-US')),
    ]),
  )
}
