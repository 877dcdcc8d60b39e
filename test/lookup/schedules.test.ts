import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isRollcallError } from '../../src/errors.js'
import { memoryStore } from '../../src/memory-store.js'
import type { Store } from '../../src/ports/store.js'
import { createSessions, type Sessions } from '../../src/sessions.js'
import { createKeyRing, type KeyRing } from '../../src/tokens/key-ring.js'
import { createFakeClock } from '../conformance/fake-clock.js'

const schedules = 5_000
const sessionCount = 2

/** What a history begins; which of the sessions it means. */
type Operation = readonly [verb: (typeof verbs)[number], of: number]
const verbs = [
  ...(['verify', 'verify', 'verify strictly', 'verify strictly', 'verify strictly', 'verify strictly'] as const),
  ...(['revoke', 'revokeOthers', 'revokeAll', 'revoke elsewhere', 'revoke elsewhere'] as const),
] as const

interface Verdict {
  readonly bad: string[]
  readonly steps: number
  readonly revokes: number
  readonly accepts: number
  readonly cached: number
  readonly overtaken: number
}

/**
 * One process, where what is asked of the store and what it answers arrive in any order. The clock stands still, so that
 * the bound never helps: what a revoke of this process has ended must be known from the revoke alone. What another process
 * has ended is known from the first read that sees it, and never forgotten again.
 */
async function play(scheduler: fc.Scheduler, operations: readonly Operation[]): Promise<Verdict> {
  let now = 0
  let steps = 0
  const step = async (label: string): Promise<void> => {
    steps += 1
    await scheduler.schedule(Promise.resolve(), label)
    now += 1
  }
  const store = memoryStore()
  const sessions = createSessions({
    store: delay(store, step),
    keys: await openKeys(),
    issuer: 'https://issuer.example',
    audience: 'https://api.example',
    clock: { ...createFakeClock(), after: () => () => {} },
    freshness: { maxStaleness: '1h' },
    session: { lastSeenInterval: '1d' },
  })
  const logins = await scheduler.waitFor(
    Promise.all(Array.from({ length: sessionCount }, () => sessions.create({ userId: 'alice' }))),
  )
  const rows = logins.map(({ accessToken, session: { sid } }) => ({
    accessToken,
    sid,
    begun: Infinity,
    gone: Infinity,
    over: Infinity,
    refused: Infinity,
  }))
  const bad: string[] = []
  const counts = { revokes: 0, accepts: 0, cached: 0, overtaken: 0 }

  async function verify(of: number, isStrict: boolean): Promise<void> {
    const row = rows[of]!
    const start = now
    const [code, source] = await ask(sessions, row.accessToken, isStrict)
    const told = `${isStrict ? 'strict' : 'cached'} verify of ${of} from ${start} to ${now}, revoked from ${row.begun} to ${row.over}: ${code}`
    if (code === 'accepted') {
      counts.accepts += 1
      if (source === 'cache') counts.cached += 1
      if (row.over < start || row.refused < start || (isStrict && row.gone < start)) bad.push(told)
      if (row.begun < now) counts.overtaken += 1
    } else {
      row.refused = Math.min(row.refused, now)
      if (!(row.begun < now)) bad.push(told)
    }
  }

  async function revoke(ended: readonly number[], verb: () => Promise<unknown>): Promise<void> {
    counts.revokes += 1
    for (const of of ended) rows[of]!.begun = Math.min(rows[of]!.begun, now)
    await verb()
    for (const of of ended) rows[of]!.over = Math.min(rows[of]!.over, now)
  }

  /** Another process, of which this one hears nothing. */
  async function revokeElsewhere(of: number): Promise<void> {
    const [row, id] = [rows[of]!, String(now)]
    row.begun = Math.min(row.begun, now)
    const event = {
      id,
      type: 'session_revoked',
      userId: 'alice',
      sid: row.sid,
      reason: 'logout',
      actor: null,
      at: 0,
    } as const
    await store.remove({ userId: 'alice', sid: row.sid }, event, {})
    row.gone = Math.min(row.gone, now)
  }

  const all = rows.map((_, index) => index)
  const begin = {
    verify: (of: number) => verify(of, false),
    'verify strictly': (of: number) => verify(of, true),
    revoke: (of: number) => revoke([of], () => sessions.revoke('alice', rows[of]!.sid)),
    'revoke elsewhere': revokeElsewhere,
    revokeAll: () => revoke(all, () => sessions.revokeAll('alice')),
    revokeOthers: (of: number) =>
      revoke(
        all.filter((other) => other !== of),
        () => sessions.revokeOthers('alice', rows[of]!.sid),
      ),
  }
  await scheduler.waitFor(
    Promise.all(
      operations.map(async ([verb, of], index) => {
        await step(`${index} begins: ${verb} ${of}`)
        await begin[verb](of)
      }),
    ),
  )
  // Nothing that was read on the way may have stayed: all is over, and still nobody who was revoked comes in.
  now += 1
  await scheduler.waitFor(Promise.all(all.map((of) => verify(of, false))))
  return { bad, steps, ...counts }
}

const sharedKeys = createKeyRing({ secret: 'a secret of thirty-two bytes or more' })

/** Knows what it signed: with a signature that is verified elsewhere, every verify would come behind every revoke. */
async function openKeys(): Promise<KeyRing> {
  const keys = await sharedKeys
  const payloads = new Map<unknown, Readonly<Record<string, unknown>>>()
  return {
    ...keys,
    async sign(type, payload) {
      const token = await keys.sign(type, payload)
      payloads.set(token, payload)
      return token
    },
    verify: async (_, token) => payloads.get(token)!,
  }
}

async function ask(sessions: Sessions, token: string, isStrict: boolean): Promise<[code: string, source: string]> {
  try {
    const { source } = await sessions.verify(token, isStrict ? { maxStaleness: 0 } : {})
    return ['accepted', source]
  } catch (error) {
    if (!isRollcallError(error)) throw error
    return [error.code, 'store']
  }
}

/** Each call reaches the store when the scheduler says so, and its answer comes back when it says so. */
function delay(store: Store, step: (label: string) => Promise<void>): Store {
  const late =
    <Given extends unknown[], Answer>(name: string, call: (...given: Given) => Promise<Answer>) =>
    async (...given: Given): Promise<Answer> => {
      await step(`${name} is asked`)
      const answer = await call(...given)
      await step(`${name} answers`)
      return answer
    }
  return {
    ...store,
    lookup: late('lookup', store.lookup),
    remove: late('remove', store.remove),
    raiseVersion: late('raiseVersion', store.raiseVersion),
  }
}

test(`in ${schedules} schedules of one process no session outlives its revoke, and none is lost to another's`, async () => {
  const totals = { longest: 0, revokes: 0, accepts: 0, cached: 0, overtaken: 0 }
  const operation = fc.tuple(fc.constantFrom(...verbs), fc.nat({ max: sessionCount - 1 }))
  await fc.assert(
    fc.asyncProperty(
      fc.scheduler(),
      fc.array(operation, { minLength: 4, maxLength: 12 }),
      async (scheduler, operations) => {
        const { bad, steps, ...counts } = await play(scheduler, operations)
        expect(bad).toEqual([])
        totals.longest = Math.max(totals.longest, steps)
        for (const name of ['revokes', 'accepts', 'cached', 'overtaken'] as const) totals[name] += counts[name]
      },
    ),
    { numRuns: schedules },
  )
  console.log(
    `${schedules} schedules, 0 bad; longest ${totals.longest} awaits; ${totals.revokes} revokes, ${totals.accepts} accepts, ` +
      `${totals.cached} of them from the cache, ${totals.overtaken} of a verify that a revoke overtook`,
  )
  expect(totals.cached).toBeGreaterThan(schedules / 10)
  expect(totals.overtaken).toBeGreaterThan(schedules / 10)
}, 900_000)
