import type * as errors from '../../src/errors.js'
import type * as memory from '../../src/memory-store.js'
import type { Store } from '../../src/ports/store.js'
import type * as verbs from '../../src/sessions.js'
import type { OutboxOptions, SessionsOptions } from '../../src/settings.js'
import type { KeyRing } from '../../src/tokens/key-ring.js'
import type { SimulatedBus } from './simulated-bus.js'
import { atADistance, type Life, type Way } from './simulated-database.js'
import { createNodeClock, type NodeClock, type World } from './simulated-world.js'

/** The library under test: the sources, or a copy with a defect. */
export type Library = Pick<typeof verbs, 'createSessions'> &
  Pick<typeof memory, 'memoryStore'> &
  Pick<typeof errors, 'isRollcallError'>

/** What the processes of a history share. */
export interface Place {
  readonly library: Library
  readonly world: World
  readonly database: Store
  readonly way: Way
  readonly keys: KeyRing
  readonly chance: () => number
  readonly bus: SimulatedBus | null
  readonly maxStaleness: number
  readonly storeTimeout: number
  readonly outbox: OutboxOptions | undefined
}

export interface Process {
  readonly sessions: verbs.Sessions
  readonly clock: NodeClock
  readonly life: Life
}

/** @param died is called once, when it is dead */
export function startProcess(place: Place, died: () => void): Process {
  const { library, world, database, way, keys, chance, bus, maxStaleness, storeTimeout, outbox } = place
  const life: Life = { isAlive: true, isDoomed: false, events: 'come', missedAt: Infinity }
  const clock = createNodeClock(world)
  const mortal: SessionsOptions['clock'] = {
    ...clock,
    after: (ms, callback) =>
      clock.after(ms, () => {
        if (life.isAlive) callback()
      }),
  }
  const sessions = library.createSessions({
    store: atADistance(database, world, way, life, () => {
      life.isDoomed = false
      life.isAlive = false
      died()
    }),
    keys,
    issuer: 'i',
    audience: 'a',
    clock: mortal,
    // So that a history always goes the same way.
    random: (count) => new Uint8Array(count).map(() => chance() * 256),
    storeTimeout,
    clockTolerance: '5m',
    freshness: { maxStaleness },
    outbox: outbox && { ...outbox, ...(bus && { bus: bus.busOf(life) }) },
    // What a cache sets aside for its entries would be most of a history's cost.
    cacheSize: { tokens: 50, sessions: 50 },
  })
  return { sessions, clock, life }
}

/** Signatures are tested elsewhere, and take threads whose time is not simulated. */
export function createPlainKeys(): KeyRing {
  const payloads: Readonly<Record<string, unknown>>[] = []
  return {
    jwks: () => ({ keys: [] }),
    sign: async (_, payload) => String(payloads.push(payload) - 1),
    verify: async (_, token) => payloads[Number(token)]!,
  }
}
