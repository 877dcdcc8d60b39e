import { memoryStore } from '../../src/memory-store.js'
import type { SessionKey, Store } from '../../src/ports/store.js'
import { createSessions, type Sessions } from '../../src/sessions.js'
import type { SessionsOptions } from '../../src/settings.js'
import { createKeyRing, type KeyRing } from '../../src/tokens/key-ring.js'
import type { WatchEvent } from '../../src/watch/events.js'
import { createNodeClock, createWorld, type NodeClock, type World } from '../support/simulated-world.js'

/** Processes over one memory store, in a time that only passes when something is due. */
export interface Stage {
  readonly world: World
  readonly clock: NodeClock
  readonly store: Store
  readonly keys: KeyRing
  readonly sessions: Sessions<Record<never, never>, never, string>
  /** Statements that were asked for, and timers that are set. */
  counts(): { readonly lookups: number; readonly timers: number }
  open(options?: Partial<SessionsOptions>): Sessions<Record<never, never>, never, string>
  /** Lets so much time pass. */
  pass(ms: number): Promise<void>
  /** Watches, and collects what is told: the type of each event, with the code and the reason of an end. */
  watch(key: SessionKey, sessions?: Pick<Sessions, 'watch'>): { readonly told: string[]; readonly stop: () => void }
}

export async function openStage(options: Partial<SessionsOptions> = {}): Promise<Stage> {
  const world = createWorld(Date.UTC(2030, 0, 1))
  const clock = createNodeClock(world)
  const keys = await createKeyRing({ secret: 'a secret of thirty-two bytes or more' })
  const counts = { lookups: 0, timers: 0 }
  const memory = memoryStore()
  const store: Store = {
    ...memory,
    lookup: (...given) => ((counts.lookups += 1), memory.lookup(...given)),
  }
  const counted: SessionsOptions['clock'] = {
    ...clock,
    after(ms, callback) {
      counts.timers += 1
      let isOver = false
      const end = (): void => {
        if (!isOver) counts.timers -= 1
        isOver = true
      }
      const cancel = clock.after(ms, () => (end(), callback()))
      return () => (end(), cancel())
    },
  }
  const open: Stage['open'] = (more) =>
    createSessions({
      store,
      keys,
      issuer: 'i',
      audience: 'a',
      clock: counted,
      clockTolerance: 0,
      refreshToken: { secret: 'another secret of thirty-two bytes' },
      ...options,
      ...more,
    }) as Stage['sessions']
  const sessions = open()
  return {
    world,
    clock,
    store,
    keys,
    sessions,
    counts: () => ({ ...counts }),
    open,
    pass: (ms) => world.runUntil(world.now() + ms),
    watch(key, by = sessions) {
      const told: string[] = []
      const stop = by.watch(key, (event: WatchEvent) => {
        told.push(event.type === 'ended' ? `ended ${event.code} ${event.reason} ${event.actor}` : event.type)
      })
      return { told, stop }
    },
  }
}
