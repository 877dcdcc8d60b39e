import { createSessions, type Clock } from 'rollcall'
import type { SqlStore } from 'rollcall/postgres'
import { keyOf } from '../fill.js'
import { audience, issuer, openKeys } from '../tokens.js'
import type { Contender, OpenContender } from './contender.js'

/** The whole `verify`, without a write: sessions are noted as used once a day. */
export const openRollcall: OpenContender = (database, sample) =>
  open(database, sample, { name: 'rollcall', lastSeenInterval: '1d' })

/**
 * The same where every use is noted, at the interval that rollcall comes with: as if each session were verified less than
 * once a minute. Its clock goes on by a second with each call.
 */
export const openNotingRollcall: OpenContender = (database, sample) => {
  let passed = 0
  const clock: Clock = {
    wall: () => Date.now() + passed,
    mono: () => performance.now(),
    after(ms, callback) {
      const timer = setTimeout(() => callback(), ms).unref()
      return () => clearTimeout(timer)
    },
  }
  const pass = (): void => void (passed += 1_000)
  const writes = new Set<Promise<void>>()
  const touch: SqlStore['touch'] = (...args) => {
    const write = database.store.touch(...args).finally(() => writes.delete(write))
    writes.add(write)
    return write
  }
  const noting = { ...database, store: { ...database.store, touch } }
  const kind = { name: 'rollcall, every use noted', lastSeenInterval: '1m', clock, pass } as const
  const settle = async (): Promise<void> => void (await Promise.all(writes))
  return open(noting, sample, kind).then((contender) => ({ ...contender, settle }))
}

interface Kind {
  readonly name: string
  readonly lastSeenInterval: '1d' | '1m'
  readonly clock?: Clock
  readonly pass?: () => void
}

async function open(
  { store }: Parameters<OpenContender>[0],
  { roll, sessions: numbers, tokens }: Parameters<OpenContender>[1],
  { name, lastSeenInterval, clock, pass = () => {} }: Kind,
): Promise<Contender> {
  const session = { lastSeenInterval }
  const sessions = createSessions({ store, keys: await openKeys(), issuer, audience, session, clock })
  return {
    name,
    isStrict: true,
    async check(place) {
      pass()
      return (await sessions.verify(tokens[place]!)).userId
    },
    async end(place) {
      const { userId, sid } = keyOf(roll, numbers[place]!)
      await sessions.revoke(userId, sid)
    },
    close: () => sessions.close(),
  }
}
