import type { SessionKey } from '../../src/ports/store.js'
import type { OutboxOptions } from '../../src/settings.js'
import { createSimulatedBus, type BusCounts, type SimulatedBus, type Weather } from './simulated-bus.js'
import { watchCommits, type Commit, type Life, type Way } from './simulated-database.js'
import { createPlainKeys, startProcess, type Library, type Process } from './simulated-process.js'
import { chanceOf } from './chance.js'
import { createWorld, type World } from './simulated-world.js'

/** One step of a history. Times are milliseconds. */
export interface Step {
  readonly gap: number
  readonly node: number
  readonly user: number
  readonly act: 'login' | 'verify' | 'strict' | 'revoke' | 'others' | 'all' | 'suspend' | 'jump' | 'sleep' | Fault
  readonly size: number
  /** How long the way to the database takes, and the way back. */
  readonly there: number
  readonly back: number
}

/**
 * The database is gone for all; one node's reads of the events fail, or hang; its link to the bus ends, or falls silent;
 * it dies with its next change and before it can tell of it, and another process takes its place.
 */
export type Fault = 'outage' | 'miss' | 'cut' | 'deafen' | 'die'

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
  /** Of the process that was asked. */
  readonly life: Readonly<Life>
  /** What that process said when it began: what was committed before is known here, by a look at the events. */
  readonly knownTo: number
  /** And whether it heard the bus. */
  readonly isUp: boolean
}

export interface History {
  readonly outcomes: readonly Outcome[]
  /** The sids of all logins and all that ends sessions, in the order of their commits; a `null` sid means all of the user's but `kept`. */
  readonly commits: readonly Commit[]
  /** How often each came true. */
  readonly faults: Readonly<Record<Fault, number>>
  /** `null` without a bus. */
  readonly bus: Readonly<BusCounts> | null
}

export const nodes: number = 4
export const maxStaleness: number = 1_000
export const storeTimeout: number = 2_500

/** What the nodes are set to; without an outbox they hear nothing from one another. */
export interface NodeOptions {
  readonly maxStaleness: number
  readonly outbox?: OutboxOptions
  /** Of the bus between them; without it there is none. */
  readonly weather?: Weather
  /** How many times longer than other ways those of the reads of sessions are. */
  readonly slowness?: number
  /** Of all that is left to chance. */
  readonly seed?: number
}

/** Runs one history on simulated nodes over one database. */
export async function runHistory(
  library: Library,
  steps: readonly Step[],
  options: NodeOptions = { maxStaleness },
): Promise<History> {
  const world = createWorld(Date.UTC(2030, 0, 1))
  const run = createRun(library, world, options)
  for (const step of steps) {
    await world.runUntil(world.now() + step.gap)
    run.act(step)
  }
  // Whoever waits is answered; nothing that comes later tells more.
  const end = world.now() + 4 * storeTimeout
  while (run.waiting() > 0 && world.now() < end) await world.runUntil(world.now() + 100)
  return run.history
}

interface Login {
  readonly key: SessionKey
  readonly token: string
}

function createRun(
  library: Library,
  world: World,
  { weather, seed = 0, slowness = 1, ...options }: NodeOptions,
): { act(step: Step): void; history: History; waiting(): number } {
  const chance = chanceOf(seed)
  const database = library.memoryStore()
  const outcomes: Outcome[] = []
  const commits: Commit[] = []
  const logins: Login[] = []
  const faults = { outage: 0, miss: 0, cut: 0, deafen: 0, die: 0 }
  const way: Way = { there: 0, back: 0, isDown: false, slowness }
  const bus = weather ? createSimulatedBus(world, weather, chance) : null
  const place = { library, world, database, way, keys: createPlainKeys(), chance, bus, storeTimeout, outbox: undefined }
  const start = (node: number): Process =>
    startProcess({ ...place, ...options }, () => {
      faults.die += 1
      processes[node] = start(node)
    })
  const processes = Array.from({ length: nodes }, (_, node) => start(node))
  let waiting = 0

  watchCommits(database, (commit) => commits.push({ ...commit, at: world.now() }))

  async function verify(process: Process, login: Login, bound: number): Promise<void> {
    waiting += 1
    outcomes.push(await askProcess(library, world, process, login, bound))
    waiting -= 1
  }

  function act(step: Step): void {
    const { node, user, act, size, there, back } = step
    Object.assign(way, { there, back })
    const userId = `user-${user}`
    // Of those that are most likely to stand.
    const mine = logins.filter(({ key }) => key.userId === userId).slice(-2)
    const login = mine[size % Math.max(mine.length, 1)]
    const process = processes[node]!
    if (act === 'verify' && login) void verify(process, login, options.maxStaleness)
    else if (act === 'strict' && login) void verify(process, login, 0)
    else if (act === 'jump') process.clock.jump((size % 2 === 0 ? 1 : -1) * size)
    else if (act === 'sleep') processes[(node + 1) % nodes]!.clock.freeze(size)
    else if (isDisturbance(act)) {
      faults[act] += 1
      disturb(world, way, bus, process.life, act, size)
    } else change(process, userId, step, login, logins)
  }

  return { act, history: { outcomes, commits, faults, bus: bus?.counts ?? null }, waiting: () => waiting }
}

async function askProcess(
  library: Library,
  world: World,
  { sessions, clock, life }: Process,
  { key, token }: Login,
  bound: number,
): Promise<Outcome> {
  const begun = world.now()
  const awake = clock.mono()
  const answering = sessions.verify(token, { maxStaleness: bound }).then(
    ({ source }) => source,
    (error: unknown) => (library.isRollcallError(error) ? error.code : String(error)),
  )
  const said = sessions.status().outbox
  const answer = await answering
  return {
    key,
    bound,
    begun,
    ended: world.now(),
    took: clock.mono() - awake,
    answer,
    life,
    knownTo: begun - (said?.age ?? Infinity),
    isUp: said?.bus?.isUp ?? false,
  }
}

function change(
  { sessions, life }: Process,
  userId: string,
  { act, size }: Step,
  login: Login | undefined,
  logins: Login[],
): void {
  const ignore = (call: Promise<unknown>): void => void call.catch(() => {})
  if (act === 'die') life.isDoomed = true
  if (act === 'login')
    ignore(
      sessions
        .create({ userId })
        .then(({ accessToken: token, session: { sid } }) => logins.push({ key: { userId, sid }, token })),
    )
  else if (act === 'all' || act === 'die') ignore(sessions.revokeAll(userId))
  else if (act === 'suspend') ignore(size % 2 === 0 ? sessions.suspend(userId) : sessions.reinstate(userId))
  else if (login && act === 'others') ignore(sessions.revokeOthers(userId, login.key.sid))
  else if (login && act === 'revoke') ignore(sessions.revoke(userId, login.key.sid))
}

type Disturbance = Exclude<Fault, 'die'>

function isDisturbance(act: Step['act']): act is Disturbance {
  return act === 'outage' || act === 'miss' || act === 'cut' || act === 'deafen'
}

function disturb(world: World, way: Way, bus: SimulatedBus | null, life: Life, act: Disturbance, size: number): void {
  if (act === 'outage') {
    way.isDown = true
    world.schedule(size, () => (way.isDown = false))
  } else if (act === 'miss') {
    life.events = size % 2 === 0 ? 'fail' : 'hang'
    world.schedule(size, () => (life.events = 'come'))
  } else if (act === 'cut') bus?.cut(life)
  else bus?.deafen(life, size)
}
