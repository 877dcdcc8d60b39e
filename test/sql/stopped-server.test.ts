import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { migrate } from '../../adapters/sql/migrate.js'
import { createSessions } from '../../src/sessions.js'
import { createKeyRing } from '../../src/tokens/key-ring.js'
import { startEngine } from '../engines/index.js'
import type { Server, Stop } from '../engines/run-server.js'
import { createOnServer, isLeftOut, storeFor } from '../support/databases.js'
import { startLoad, type Call, type LoadedSessions } from '../support/load.js'
import { secret } from '../support/sql-stage.js'

const servers = ['postgres', 'mariadb', 'mysql'] as const
const stops: readonly Stop[] = ['at once', 'in order', 'at once', 'in order', 'at once', 'in order']
const callers = 8
const maxStaleness = 200
const storeTimeout = 1_000
/** How much later than its time a timer may fire on a machine that is busy. */
const lag = 1_000

/** While no server was there: from the end of its process until the next one was begun. */
interface Outage {
  readonly from: number
  readonly to: number
}

/** A real server goes and comes back: no clock of ours can stand in for it. */
describe.each(servers)('a %s server that is stopped and started under load', (name) => {
  test.skipIf(isLeftOut(name))(
    'accepts nobody wrongly, logs nobody out, answers 503 within storeTimeout, and forgets no logout',
    async (context) => {
      const engine = await startEngine(name)
      context.onTestFinished(() => engine.stop())
      if (engine.server === null) return context.skip(`the server was ${engine.source}: not ours to stop`)
      const database = await createOnServer(name, engine.url)
      const knex = database.knex()
      await migrate(knex)
      const common = {
        store: storeFor(name, knex),
        keys: await createKeyRing({ secret }),
        issuer: 'https://issuer.example',
        audience: 'https://api.example',
        storeTimeout,
        // Short, so that the clients' tokens rotate often.
        refreshToken: { secret, grace: '1s' },
      } as const
      const strict = createSessions(common)
      const cached = createSessions({ ...common, freshness: { maxStaleness } })

      const load = await startLoad(strict, cached, callers)
      const outages: Outage[] = []
      for (const how of stops) outages.push(await interrupt(engine.server, how, strict))
      await pause(500)
      await load.stop()
      await strict.close()
      await cached.close()
      await database.drop()

      const found = judge(load.calls, outages)
      console.log(
        `${name} ${engine.version}, ${stops.length} stops under load of ${2 * callers + 4} callers: ${JSON.stringify(found.counts)}`,
      )
      expect(found.wrong).toEqual([])
      expect(found.counts.accepts).toBeGreaterThan(1_000)
      expect(found.counts.revoked).toBeGreaterThan(20)
      expect(found.counts.refreshed).toBeGreaterThan(4)
      // A stop that nobody noticed proves nothing.
      for (const { from, to } of outages)
        expect(load.calls.some(({ start, end, status }) => status === 503 && start > from && end < to)).toBe(true)
    },
    600_000,
  )
})

async function interrupt(server: Server, how: Stop, sessions: LoadedSessions): Promise<Outage> {
  await pause(500)
  await server.stop(how)
  const from = performance.now()
  await pause(3 * maxStaleness)
  const to = performance.now()
  await server.start()
  await expect.poll(() => sessions.tokenVersion('nobody').catch(String), { timeout: 20_000, interval: 50 }).toBe(0)
  return { from, to }
}

/** Every call that must not have ended as it did, and the figures. */
function judge(
  calls: readonly Call[],
  outages: readonly Outage[],
): {
  wrong: string[]
  counts: Record<'accepts' | 'revoked' | 'refreshed' | 'refusals' | 'unavailable' | 'worst503', number>
} {
  const wrong: string[] = []
  const verifies = calls.filter(({ verb }) => verb.startsWith('verify'))
  for (const call of verifies) {
    const { verb, login, start, end, code, status } = call
    const staleness = verb === 'verify' ? 0 : maxStaleness
    const told = (what: string): void => void wrong.push(`${what}: ${JSON.stringify(call)}`)
    if (code === 'accepted') {
      const decided = staleness === 0 ? start : end
      if (decided > login!.revoked + staleness) told('accepted after its revoke was acknowledged')
      if (outages.some(({ from, to }) => decided > from + staleness && end < to)) told('accepted by no server')
    } else if (status === 401 && !(end > login!.revokeBegun)) told('logged out')
  }
  for (const call of calls) {
    const { verb, login, start, end, status } = call
    if (status !== 200 && status !== 401 && status !== 503) wrong.push(`neither: ${JSON.stringify(call)}`)
    if (status === 401 && login === null) wrong.push(`a client was logged out: ${JSON.stringify(call)}`)
    if (status === 503 && end - start > storeTimeout + lag) wrong.push(`too late: ${verb} ${end - start} ms`)
  }
  const count = (is: (call: Call) => boolean): number => calls.filter(is).length
  const unavailable = calls.filter(({ status }) => status === 503)
  return {
    wrong: wrong.slice(0, 10),
    counts: {
      accepts: verifies.filter(({ code }) => code === 'accepted').length,
      revoked: count(({ verb, status }) => verb === 'revoke' && status === 200),
      refreshed: count(({ verb, status }) => verb === 'refresh' && status === 200),
      refusals: count(({ status }) => status === 401),
      unavailable: unavailable.length,
      worst503: Math.round(Math.max(0, ...unavailable.map(({ start, end }) => end - start))),
    },
  }
}
