import type * as errors from '../../src/errors.js'
import type * as memory from '../../src/memory-store.js'
import type { SessionKey, Store } from '../../src/ports/store.js'
import type * as verbs from '../../src/sessions.js'
import type { SessionsOptions } from '../../src/settings.js'
import type { KeyRing } from '../../src/tokens/key-ring.js'
import { createNodeClock, createWorld, type NodeClock, type World } from './simulated-world.js'

/** The library under test: the sources, or a copy with a defect. */
export type Library = Pick<typeof verbs, 'createSessions'> &
  Pick<typeof memory, 'memoryStore'> &
  Pick<typeof errors, 'isRollcallError'>

/** One step of a history. Times are milliseconds. */
export interface Step {
  readonly gap: number
  readonly node: number
  readonly user: number
  readonly act: 'login' | 'verify' | 'strict' | 'revoke' | 'others' | 'all' | 'suspend' | 'jump' | 'sleep' | 'outage'
  readonly size: number
  /** How long the way to the database takes, and the way back. */
  readonly there: number
  readonly back: number
}

/** What became of one verify, in true time. `bound` is the staleness it allowed. */
export interface Outcome {
  readonly key: SessionKey
  readonly bound: number
  readonly begun: number
  readonly ended: number
  /** How long it took by the node's own clock: while a machine sleeps, nothing is late. */
  readonly took: number
  /** `store` or `cache` when accepted, else the code. */
  readonly answer: string
}

export interface Commit {
  readonly type: 'login' | 'end'
  readonly userId: string
  readonly sid: string | null
  readonly kept: string | null
  readonly at: number
}

export interface History {
  readonly outcomes: readonly Outcome[]
  /** The sids of all logins and all that ends sessions, in the order of their commits; a `null` sid means all of the user's but `kept`. */
  readonly commits: readonly Commit[]
  readonly faults: number
}

export const nodes: number = 4
export const maxStaleness: number = 1_000
export const storeTimeout: number = 2_500

/** What the nodes are set to. */
export type NodeOptions = Pick<SessionsOptions, 'freshness' | 'outbox'>

/** Runs one history on simulated nodes over one database; without an outbox they hear nothing from one another. */
export async function runHistory(
  library: Library,
  steps: readonly Step[],
  options: NodeOptions = { freshness: { maxStaleness } },
): Promise<History> {
  const world = createWorld(Date.UTC(2030, 0, 1))
  const run = createRun(library, world, options)
  for (const step of steps) {
    await world.runUntil(world.now() + step.gap)
    run.act(step)
  }
  await world.runUntil(world.now() + 4 * storeTimeout)
  await run.close()
  return run.history
}

interface Login {
  readonly key: SessionKey
  readonly token: string
}

function createRun(
  library: Library,
  world: World,
  options: NodeOptions,
): { act(step: Step): void; history: History; close(): Promise<void> } {
  const keys = createPlainKeys()
  const database = library.memoryStore()
  const outcomes: Outcome[] = []
  const commits: Commit[] = []
  const logins: Login[] = []
  const history = { outcomes, commits, faults: 0 }
  const link = { there: 0, back: 0, isDown: false }
  const clocks: NodeClock[] = []
  const sessions = Array.from({ length: nodes }, () => {
    const clock = createNodeClock(world)
    clocks.push(clock)
    return library.createSessions({
      store: atADistance(database, world, link),
      keys,
      issuer: 'i',
      audience: 'a',
      clock,
      storeTimeout,
      clockTolerance: '5m',
      ...options,
      // What a cache sets aside for its entries would be most of a history's cost.
      cacheSize: { tokens: 50, sessions: 50 },
    })
  })

  async function verify(node: number, { key, token }: Login, bound: number | undefined): Promise<void> {
    const begun = world.now()
    const awake = clocks[node]!.mono()
    const answer = await sessions[node]!.verify(token, { maxStaleness: bound }).then(
      ({ source }) => source,
      (error: unknown) => (library.isRollcallError(error) ? error.code : String(error)),
    )
    outcomes.push({
      key,
      bound: bound ?? maxStaleness,
      begun,
      ended: world.now(),
      took: clocks[node]!.mono() - awake,
      answer,
    })
  }

  watchCommits(database, (commit) => commits.push({ ...commit, at: world.now() }))

  function act({ node, user, act, size, there, back }: Step): void {
    Object.assign(link, { there, back })
    const userId = `user-${user}`
    const mine = logins.filter(({ key }) => key.userId === userId)
    const login = mine[size % Math.max(mine.length, 1)]
    const verbs = sessions[node]!
    const ignore = (call: Promise<unknown>): void => void call.catch(() => {})
    if (act === 'login')
      ignore(
        verbs
          .create({ userId })
          .then(({ accessToken: token, session: { sid } }) => logins.push({ key: { userId, sid }, token })),
      )
    else if (act === 'all') ignore(verbs.revokeAll(userId))
    else if (act === 'suspend') ignore(size % 2 === 0 ? verbs.suspend(userId) : verbs.reinstate(userId))
    else if (act === 'jump') clocks[node]!.jump((size % 2 === 0 ? 1 : -1) * size)
    else if (act === 'sleep') clocks[(node + 1) % nodes]!.freeze(size)
    else if (act === 'outage') {
      link.isDown = true
      history.faults += 1
      world.schedule(size, () => (link.isDown = false))
    } else if (login && act === 'revoke') ignore(verbs.revoke(userId, login.key.sid))
    else if (login && act === 'others') ignore(verbs.revokeOthers(userId, login.key.sid))
    else if (login) void verify(node, login, act === 'strict' ? 0 : undefined)
  }

  async function close(): Promise<void> {
    const closing = Promise.all(sessions.map((verbs) => verbs.close()))
    // A look at the events that is under way takes its time.
    await world.runUntil(world.now() + 4 * storeTimeout)
    await closing
  }

  return { act, history, close }
}

/** Every call takes its time on the way there and back; what is committed is committed in between. */
function atADistance(store: Store, world: World, link: { there: number; back: number; isDown: boolean }): Store {
  return new Proxy(store, {
    get(target, name: keyof Store) {
      const method = target[name] as (...given: unknown[]) => Promise<unknown>
      return async (...given: unknown[]) => {
        const { there, back } = link
        await world.sleep(there)
        if (link.isDown) throw new Error('ECONNREFUSED')
        const answer = await method(...given)
        await world.sleep(back)
        if (link.isDown) throw new Error('ECONNRESET')
        return answer
      }
    },
  })
}

/** Notes changes when they are committed, which is while their verbs are still on the way back. */
function watchCommits(store: Store, note: (commit: Omit<Commit, 'at'>) => void): void {
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

/** Signatures are tested elsewhere, and take threads whose time is not simulated. */
function createPlainKeys(): KeyRing {
  const payloads: Readonly<Record<string, unknown>>[] = []
  return {
    jwks: () => ({ keys: [] }),
    sign: async (_, payload) => String(payloads.push(payload) - 1),
    verify: async (_, token) => payloads[Number(token)]!,
  }
}
