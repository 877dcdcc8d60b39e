import { expect, test } from 'vitest'
import { memoryStore } from '../src/memory-store.js'
import type { Store } from '../src/ports/store.js'
import { createFakeClock } from './conformance/fake-clock.js'
import { codeOf } from './conformance/harness.js'
import { honestHolder, playHonestHolder, type HonestTally } from './support/honest-holder.js'
import { backgroundWork, grace, hour, minute, openNode, runHistories } from './support/simulation.js'
import { playTwoHolders, twoHolders, type Tally } from './support/two-holders.js'

const histories = 10_000
/** What a run has to have met, or it has shown nothing. */
const seldom = histories / 100
const print = (counts: object): string => JSON.stringify(counts).replaceAll('"', '')

/**
 * Two holders: a thief copies what the owner holds, and from then on both refresh. A pair is *taken* by whoever asks when
 * it is made; the *newest* is the one taken last. Let X have taken the newest, and Y be the other. Then, in every history:
 *
 * 1. Whoever is answered is answered with the newest pair. There is no second chain beside it.
 * 2. Before `grace` + `clockTolerance` are over, Y's token, the one before the newest, gets it, too: lockstep. They hold
 *    the same now, and nothing in what they show tells them apart.
 * 3. After that, Y's token is answered only while nobody has shown the newest in use, and with a pair that replaces it. So
 *    they diverge: X's token, whenever it is shown, ends the session.
 * 4. Every other token of Y's ends the session, for both: no refresh token and no access token of it works any more.
 *
 * So both survive only in lockstep, which either of them can keep up until the absolute lifetime is over, or as long as
 * one has not refreshed since the other took a pair. The last round of each history forces that: each refreshes, further
 * apart than `grace` + `clockTolerance`, and uses what it gets. No session survives it.
 */
test(`a divergence of two holders ends the session at the loser's next refresh, in ${histories} histories (ASVS 10.4.5)`, async () => {
  const tally: Tally = {
    fates: { ended: 0, lockstep: 0, 'loser not back yet': 0, 'nothing taken': 0 },
    answers: {},
    diverged: 0,
  }
  const seed = await runHistories(twoHolders, histories, (history) => playTwoHolders(history, tally))
  const { fates, answers, diverged } = tally
  console.log(
    `two holders, ${histories} histories, seed ${seed}: before the last round ${print(fates)}; ` +
      `${diverged} divergences, all found; answers ${print(answers)}`,
  )
  expect(diverged).toBe(histories)
  for (const count of [...Object.values(fates), ...Object.values(answers)]) expect(count).toBeGreaterThan(seldom)
  expect(Object.keys(answers)).toHaveLength(6)
}, 900_000)

test('two holders who refresh within grace of each other share one chain until the absolute lifetime is over', async () => {
  const clock = createFakeClock()
  const sessions = openNode(memoryStore(), clock, { lifetime: '6h', idleLifetime: '1h' })
  const login = await sessions.create({ userId: 'user' })
  let [owner, thief] = [login.refreshToken, login.refreshToken]
  let rounds = 0
  for (; clock.wall() + 2 * grace < +login.refreshTokenExpiresAt; rounds += 1) {
    clock.advance(grace)
    owner = (await sessions.refresh(owner)).refreshToken
    clock.advance(grace - 1)
    const answer = await sessions.refresh(thief)
    thief = answer.refreshToken
    expect(thief).toBe(owner)
    await sessions.verify(answer.accessToken)
    await backgroundWork()
  }
  expect(rounds).toBeGreaterThan(300)
  clock.set(+login.refreshTokenExpiresAt)
  for (const token of [owner, thief]) expect(await codeOf(sessions.refresh(token))).toBe('session_expired')
})

/**
 * One honest holder: it keeps one copy, stores a pair before it uses it, and an answer that brings nothing new replaces
 * nothing. It asks two nodes, one after the other or both at once, whose clocks differ by up to the tolerance, loses any
 * answers, and repeats requests. Writes of a first use fail, and failovers lose a rotation: if the holder had got that
 * pair it is told `store_behind`, until the rotation turns up; else it goes on.
 *
 * Left out is what nothing can tell from a second holder: the same token shown, by requests sent at once, just before
 * and just after `grace` + `clockTolerance` (to two nodes: by the clock of each), or repeated by the network after that,
 * while what the first one brought is not in use yet; and a request that is repeated after a failover lost its answer.
 */
test(`an honest holder is never logged out, in ${histories} histories`, async () => {
  const tally: HonestTally = { answers: {}, lost: 0, failedWrites: 0, failovers: 0, split: 0 }
  const seed = await runHistories(honestHolder, histories, (history) => playHonestHolder(history, tally))
  const { answers, ...counts } = tally
  console.log(
    `one honest holder, ${histories} histories, seed ${seed}: 0 logged out; answers ${print(answers)}; ${print(counts)}`,
  )
  expect(Object.keys(answers).toSorted()).toEqual([
    'redelivered',
    'redelivered-late',
    'rotated',
    'store_behind',
    'unchanged',
  ])
  for (const count of [...Object.values(answers), counts.lost, counts.failedWrites, counts.failovers])
    expect(count).toBeGreaterThan(seldom)
  expect(counts.split).toBeGreaterThan(0)
}, 900_000)

test('1,000 refreshes keep the absolute expiry, auth_time, amr, acr, audience and idle duration of the login (ASVS 7.3.2, 10.3.4, 10.4.8)', async () => {
  const clock = createFakeClock()
  const store = memoryStore()
  const sessions = openNode(store, clock)
  const audience = ['https://admin.example']
  const given = { audience, lifetime: '30d', idleLifetime: '2h', amr: ['pwd', 'otp'], acr: 'high' } as const
  let pair = await sessions.create({ userId: 'user', ...given })
  const { session, refreshTokenExpiresAt } = pair
  const { sid, createdAt, authenticatedAt, amr, acr, expiresAt } = session
  const kept = { sid, createdAt, authenticatedAt, amr, acr, expiresAt, audience }
  for (let round = 0; round < 1_000; round += 1) {
    clock.advance(40 * minute)
    const next = await sessions.refresh(pair.refreshToken)
    expect(next).toMatchObject({ outcome: 'rotated', refreshTokenExpiresAt, session: kept })
    const ofUse = Math.min(clock.wall() + 2 * hour, +expiresAt)
    expect(+next.session.idleExpiresAt).toBe(ofUse)
    expect(+next.expiresAt).toBeLessThanOrEqual(+expiresAt)
    pair = next
  }
  expect(await sessions.verify(pair.accessToken)).toMatchObject({ authenticatedAt, amr, acr })
  expect(await store.readForRefresh({ userId: 'user', sid }, {})).toMatchObject({ idleLifetime: 2 * hour, audience })
  clock.set(+expiresAt)
  expect(await codeOf(sessions.refresh(pair.refreshToken))).toBe('session_expired')
})

test('10,000 re-deliveries write nothing', async () => {
  const clock = createFakeClock()
  const store = memoryStore()
  const writes: string[] = []
  const writing = ['insert', 'rotate', 'markUsed', 'touch', 'remove', 'raiseVersion', 'rename', 'suspend'] as const
  const counted: Store = { ...store }
  for (const name of writing) {
    const method = store[name] as (...given: unknown[]) => Promise<unknown>
    Object.assign(counted, { [name]: (...given: unknown[]) => (writes.push(name), method(...given)) })
  }
  const sessions = openNode(counted, clock)
  const { refreshToken } = await sessions.create({ userId: 'user' })
  clock.advance(grace)
  const next = await sessions.refresh(refreshToken)
  expect(writes.splice(0)).toEqual(['insert', 'rotate'])
  for (let round = 0; round < 10_000; round += 1) {
    if (round % 300 === 0) clock.advance(1_000)
    const answer = await sessions.refresh(refreshToken)
    expect([answer.outcome, answer.refreshToken]).toEqual(['redelivered', next.refreshToken])
  }
  await sessions.close()
  expect(writes).toEqual([])
}, 60_000)
