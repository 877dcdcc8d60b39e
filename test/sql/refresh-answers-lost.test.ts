import type { Knex } from 'knex'
import { afterAll, expect, test } from 'vitest'
import type { Refreshed } from '../../src/refresh.js'
import type { TokenPair } from '../../src/token-pair.js'
import { createFakeClock, type FakeClock } from '../conformance/fake-clock.js'
import { codeOf } from '../conformance/harness.js'
import { storeFor } from '../support/databases.js'
import { describeSql, secret, type SqlSessions, type SqlStage } from '../support/sql-stage.js'
import { startProxy } from '../support/tcp-proxy.js'

type SqlStore = SqlStage['store']
type Rotate = SqlStore['rotate']

const cuts = 500
/** So many go on side by side, each with a link, a pool and a clock of its own. */
const lanes = 5
/** By more than the default grace and clock tolerance. */
const pause = 60_000
const hour = 3_600_000

interface Lane {
  readonly sessions: SqlSessions
  readonly clock: FakeClock
  /** The next rotation commits, and its answer is lost. */
  loseNextAnswer(): void
  /** How many were. */
  lostAnswers(): number
  /** What notes in the background that a pair is in use. */
  readonly marks: Promise<void>[]
  /** The kinds of reuse it told of. */
  readonly reused: string[]
  /** Mends what losing the answer broke. */
  heal(): void
  close(): Promise<void>
}

/** Puts `lose` in the place of the rotation that comes next after `loseNextAnswer`. */
function openLane(
  { sessionsOver }: SqlStage,
  knex: Knex,
  store: SqlStore,
  lose: Rotate,
  link: Pick<Lane, 'heal' | 'close'>,
): Lane {
  const clock = createFakeClock()
  const marks: Promise<void>[] = []
  const reused: string[] = []
  let [isLosing, lost] = [false, 0]
  const rotate: Rotate = async (...given) => {
    if (!isLosing) return store.rotate(...given)
    isLosing = false
    lost += 1
    return lose(...given)
  }
  const markUsed: SqlStore['markUsed'] = (...given) => {
    const mark = store.markUsed(...given)
    marks.push(mark)
    return mark
  }
  const options = { clock, refreshToken: { secret }, store: { ...store, rotate, markUsed } }
  const sessions = sessionsOver(knex, options)
  sessions.on('reused', ({ kind }) => reused.push(kind))
  return {
    sessions,
    clock,
    marks,
    loseNextAnswer: () => void (isLosing = true),
    lostAnswers: () => lost,
    reused,
    heal: link.heal,
    async close() {
      await sessions.close()
      await knex.destroy()
      await link.close()
    },
  }
}

/** A link of its own to the server, which breaks once the rotation is seen to be committed, for good or for a moment. */
async function openLink(stage: SqlStage, after: 'stays cut' | 'heals'): Promise<Lane> {
  const { engine, database, store: direct } = stage
  const proxy = await startProxy(database.url)
  const knex = database.knex({ connection: proxy.url, pool: { min: 0, max: 1 } })
  const store = storeFor(engine, knex)

  const lose: Rotate = async (key, from, rotated, scope) => {
    proxy.withhold()
    const answer = store.rotate(key, from, rotated, scope)
    const isCommitted = async (): Promise<boolean> =>
      (await direct.readForRefresh(key, {}))?.rotation?.generation === rotated.rotation.generation
    while (!(await isCommitted())) scope.signal?.throwIfAborted()
    proxy.cut()
    if (after === 'heals') proxy.heal()
    return answer
  }
  return openLane(stage, knex, store, lose, proxy)
}

/** No link to cut: the call fails after it has committed. */
async function openFaultyFile(stage: SqlStage): Promise<Lane> {
  const knex = stage.database.knex()
  const store = storeFor('sqlite', knex)
  const lose: Rotate = async (...given) => {
    await store.rotate(...given)
    throw new Error('the answer was lost')
  }
  return openLane(stage, knex, store, lose, { heal: () => {}, close: async () => {} })
}

/** A session that has rotated once, so that its connection has met each statement, and is due to rotate again. */
async function logIn({ sessions, clock }: Lane, userId: string): Promise<TokenPair<string>> {
  const { refreshToken } = await sessions.create({ userId })
  clock.advance(pause)
  const pair = await sessions.refresh(refreshToken!)
  expect(pair.outcome).toBe('rotated')
  clock.advance(pause)
  return pair
}

/** The client has its pair and uses it: from then on the token before is spent for good, and showing it is reuse. */
async function expectReuseOnceUsed(lane: Lane, old: string, { accessToken, refreshToken }: Refreshed): Promise<void> {
  const { sessions, clock, marks, reused } = lane
  expect(await codeOf(sessions.verify(accessToken))).toBe('accepted')
  expect(marks).toHaveLength(1)
  await marks.pop()
  expect(await sessions.refresh(refreshToken)).toMatchObject({ outcome: 'unchanged', refreshToken })
  clock.advance(hour)
  expect(await codeOf(sessions.refresh(old))).toBe('refresh_token_reused')
  expect(reused.splice(0)).toEqual(['successor_used'])
  expect(await codeOf(sessions.refresh(refreshToken))).toBe('session_ended')
}

interface Counts {
  lost: number
  recovered: number
  refusedOnceUsed: number
}

type Open = (stage: SqlStage) => Promise<Lane>

/** Loses an answer again and again, on all lanes. `recover` is how the client comes by its pair. */
async function loseAnswers(
  open: () => Promise<Lane>,
  recover: (lane: Lane, refreshToken: string) => Promise<Refreshed>,
): Promise<Counts> {
  const counts = { lost: 0, recovered: 0, refusedOnceUsed: 0 }
  const runs = Array.from({ length: lanes }, async (_, number) => {
    const lane = await open()
    for (let cut = number; cut < cuts; cut += lanes) {
      const { refreshToken } = await logIn(lane, `lost-${cut}`)
      lane.loseNextAnswer()
      const recovered = await recover(lane, refreshToken)
      counts.recovered += 1
      await expectReuseOnceUsed(lane, refreshToken, recovered)
      counts.refusedOnceUsed += 1
    }
    counts.lost += lane.lostAnswers()
    await lane.close()
  })
  await Promise.all(runs)
  return counts
}

/** The call fails, and the client shows the same token again after a while. */
async function retry({ sessions, clock, heal }: Lane, refreshToken: string, wait: number): Promise<Refreshed> {
  expect(await codeOf(sessions.refresh(refreshToken))).toBe('store_unavailable')
  heal()
  clock.advance(wait)
  return sessions.refresh(refreshToken)
}

/** Collects what the tests of an engine counted for one line at their end. */
function countLosses(engine: string): (how: string, counts: Counts) => void {
  const parts: string[] = []
  afterAll(() => console.log(`${engine}: answers lost after the commit of a rotation: ${parts.join('; ')}`))
  return (how, counts) => {
    const { lost, recovered, refusedOnceUsed } = counts
    parts.push(`${how}: ${recovered} recovered of ${lost}, ${refusedOnceUsed} refused as reuse once used`)
    expect(counts).toEqual({ lost: cuts, recovered: cuts, refusedOnceUsed: cuts })
  }
}

type Count = ReturnType<typeof countLosses>

function testRetries(stage: () => SqlStage, count: Count, open: Open): void {
  test(`a client that asks again at once gets the pair that was committed, ${cuts} times`, async () => {
    const counts = await loseAnswers(
      () => open(stage()),
      async (lane, refreshToken) => {
        const recovered = await retry(lane, refreshToken, 0)
        expect(recovered.outcome).toBe('redelivered')
        return recovered
      },
    )
    count('asked again at once', counts)
  })

  test(`a client that asks again an hour later gets a pair, since nobody used what was committed, ${cuts} times`, async () => {
    const counts = await loseAnswers(
      () => open(stage()),
      async (lane, refreshToken) => {
        const recovered = await retry(lane, refreshToken, hour)
        expect(recovered.outcome).toBe('redelivered-late')
        return recovered
      },
    )
    count('asked again an hour later', counts)
  })
}

describeSql(
  'when the link breaks after the commit of a rotation and before its answer,',
  (stage, engine) => {
    const count = countLosses(engine)

    test(`a call that finds the link back at once goes on over another connection, ${cuts} times`, async () => {
      const counts = await loseAnswers(
        () => openLink(stage(), 'heals'),
        async ({ sessions }, refreshToken) => {
          const recovered = await sessions.refresh(refreshToken)
          expect(recovered.outcome).toBe('redelivered')
          return recovered
        },
      )
      count('same call', counts)
    })

    testRetries(stage, count, (stage) => openLink(stage, 'stays cut'))
  },
  ['postgres', 'mariadb', 'mysql'],
)

describeSql(
  'when a rotation throws after its commit, there being no link to break,',
  (stage, engine) => testRetries(stage, countLosses(engine), openFaultyFile),
  ['sqlite'],
)
