import { setTimeout as sleep } from 'node:timers/promises'
import type { Knex } from 'knex'
import { createKeyRing, createSessions, type Sessions } from 'rollcall'
import { openBus, type BusName, type BusUrls } from './buses.js'
import type { Database } from './databases.js'
import { audience, issuer, secret } from './tokens.js'

/** How a process hears of what others did: not at all, by the interval alone, or woken by a bus as well. */
export type Hearing = 'nothing' | 'polling' | BusName

export interface OutboxVerbs {
  readonly sessions: Sessions<Record<never, never>, Knex.Transaction>
  /** @throws Error when a look failed or a link was lost meanwhile */
  close(): Promise<void>
}

export const maxStaleness = 60_000

/** With the default intervals. Resolves when this process has looked at the events, and hears itself on the bus. */
export async function openOutboxVerbs(
  { knex, store }: Pick<Database, 'knex' | 'store'>,
  hearing: Hearing,
  urls: BusUrls,
): Promise<OutboxVerbs> {
  const opened = hearing === 'nothing' || hearing === 'polling' ? null : await openBus(hearing, urls, knex)
  const sessions = createSessions({
    store,
    keys: await createKeyRing({ secret }),
    issuer,
    audience,
    freshness: { maxStaleness },
    ...(hearing !== 'nothing' && { outbox: { bus: opened?.bus } }),
  })
  while (!isHearing(sessions)) await sleep(5)
  return {
    sessions,
    async close() {
      const { outbox } = sessions.status()
      await sessions.close()
      await opened?.close()
      const [failed, lost] = [outbox?.failed ?? 0, outbox?.bus?.lost ?? 0]
      if (failed + lost > 0) throw new Error(`${hearing}: ${failed} looks failed and ${lost} links were lost`)
    },
  }
}

function isHearing(sessions: OutboxVerbs['sessions']): boolean {
  const { outbox } = sessions.status()
  return outbox === null || (outbox.age !== null && outbox.bus?.isUp !== false)
}
