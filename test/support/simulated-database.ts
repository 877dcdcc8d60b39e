import type { Store } from '../../src/ports/store.js'
import type { World } from './simulated-world.js'

export interface Commit {
  readonly type: 'login' | 'end'
  readonly userId: string
  readonly sid: string | null
  readonly kept: string | null
  readonly at: number
}

/** How long the way to the database takes, and the way back, in milliseconds. */
export interface Way {
  there: number
  back: number
  isDown: boolean
  /** How many times longer it is for reads of sessions. */
  readonly slowness: number
}

/** What the outside does to one process. */
export interface Life {
  isAlive: boolean
  /** With its next change it dies: when that is committed, and before anything else happens. */
  isDoomed: boolean
  /** What becomes of its reads of the events. */
  events: 'come' | 'fail' | 'hang'
  /** When the first of them began that did not come. */
  missedAt: number
}

const changes: ReadonlySet<keyof Store> = new Set<keyof Store>(['remove', 'raiseVersion', 'suspend'])

/** The store as one process sees it. Every call takes its time there and back; what is committed is committed in between. */
export function atADistance(store: Store, world: World, way: Way, life: Life, died: () => void): Store {
  async function travel(ms: number): Promise<void> {
    await world.sleep(ms)
    if (!life.isAlive) await never()
    if (way.isDown) throw new Error('ECONNRESET')
  }

  async function call(name: keyof Store, given: readonly unknown[]): Promise<unknown> {
    const { there, back, slowness } = way
    const times = name === 'lookup' ? slowness : 1
    await travel(there * times)
    const answer = await (store[name] as (...given: readonly unknown[]) => Promise<unknown>)(...given)
    if (life.isDoomed && changes.has(name)) died()
    await travel(back * times)
    return answer
  }

  async function readEvents(given: readonly unknown[]): Promise<unknown> {
    const begun = world.now()
    const missed = (): void => void (life.missedAt = Math.min(life.missedAt, begun))
    if (life.events === 'hang') {
      missed()
      return never()
    }
    try {
      if (life.events === 'fail') throw new Error('ECONNREFUSED')
      return await call('readEvents', given)
    } catch (error) {
      missed()
      throw error
    }
  }

  return new Proxy(store, {
    get(target, name: keyof Store) {
      // A store need not have every method.
      if (target[name] === undefined) return undefined
      return (...given: unknown[]) => (name === 'readEvents' ? readEvents(given) : call(name, given))
    },
  })
}

function never(): Promise<never> {
  return new Promise(() => {})
}

/** Notes changes when they are committed, which is while their verbs are still on the way back. */
export function watchCommits(store: Store, note: (commit: Omit<Commit, 'at'>) => void): void {
  const { insert, remove, raiseVersion } = store
  store.insert = async (session, ...rest) => (
    note({ type: 'login', userId: session.userId, sid: session.sid, kept: null }),
    insert(session, ...rest)
  )
  store.remove = async (key, ...rest) => (note({ type: 'end', ...key, kept: null }), remove(key, ...rest))
  store.raiseVersion = async (userId, change, ...rest) => (
    note({ type: 'end', userId, sid: null, kept: change.keepSid }),
    raiseVersion(userId, change, ...rest)
  )
}
