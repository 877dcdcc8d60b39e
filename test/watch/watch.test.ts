import { beforeEach, describe, expect, test } from 'vitest'
import type { SessionKey } from '../../src/ports/store.js'
import type { TokenPair } from '../../src/token-pair.js'
import { openStage, type Stage } from './open-watch.js'

const minute = 60_000

let stage: Stage
beforeEach(async () => {
  stage = await openStage()
})

async function logIn(userId = 'ann', options: object = {}): Promise<TokenPair<string> & SessionKey> {
  const pair = await stage.sessions.create({ userId, ...options })
  return { ...pair, userId, sid: pair.session.sid }
}

describe('watch', () => {
  test('tells at once that the session stands, and until when', async () => {
    const session = await logIn()
    const told: unknown[] = []
    stage.sessions.watch(session, (event) => void told.push(event))
    await stage.pass(0)
    const { idleExpiresAt, expiresAt } = session.session
    expect(told).toEqual([{ type: 'standing', idleExpiresAt, sessionExpiresAt: expiresAt }])
  })

  test('tells of the end of this very session, why and by whom, and then no more', async () => {
    const [phone, laptop] = [await logIn(), await logIn()]
    const [onPhone, onLaptop] = [stage.watch(phone), stage.watch(laptop)]
    await stage.pass(0)
    await stage.sessions.revoke('ann', phone.sid, { reason: 'lost', actor: laptop.sid })
    await stage.pass(100)
    expect(onPhone.told).toEqual(['standing', `ended session_ended lost ${laptop.sid}`])
    expect(onLaptop.told).toEqual(['standing', 'devices'])
    await stage.sessions.revokeAll('ann')
    await stage.pass(minute * 60)
    expect(onPhone.told).toHaveLength(2)
    expect(onLaptop.told.slice(2)).toEqual(['ended session_ended logout everywhere null'])
    expect(stage.sessions.status().watched).toBe(0)
  })

  test('spares the session that logs the others out, and tells a suspended one by its own code', async () => {
    const [phone, laptop] = [await logIn(), await logIn()]
    const [onPhone, onLaptop] = [stage.watch(phone), stage.watch(laptop)]
    await stage.pass(0)
    await stage.sessions.revokeOthers('ann', phone.sid, { actor: phone.sid })
    await stage.pass(100)
    expect(onLaptop.told.at(-1)).toBe(`ended session_ended logout others ${phone.sid}`)
    expect(onPhone.told).toEqual(['standing', 'devices'])
    await stage.sessions.suspend('ann', { reason: 'fraud' })
    await stage.pass(0)
    expect(onPhone.told.at(-1)).toBe('ended user_suspended fraud null')
  })

  test('is not ended by a rotation, of which the other devices hear', async () => {
    const [phone, laptop] = [await logIn(), await logIn()]
    const [onPhone, onLaptop] = [stage.watch(phone), stage.watch(laptop)]
    await stage.pass(minute)
    await stage.sessions.refresh(phone.refreshToken)
    await stage.pass(100)
    expect(onPhone.told).toEqual(['standing', 'standing'])
    expect(onLaptop.told).toEqual(['standing', 'devices'])
  })

  test('hears of logins and new names on other devices', async () => {
    const phone = await logIn()
    const { told } = stage.watch(phone)
    await stage.pass(0)
    const laptop = await logIn()
    await stage.pass(100)
    await stage.sessions.rename('ann', laptop.sid, 'work')
    await logIn('ben')
    await stage.pass(100)
    expect(told).toEqual(['standing', 'devices', 'devices'])
  })

  test('warns a minute before an end, once, and ends within a second of it', async () => {
    const { told } = stage.watch(await logIn('ann', { lifetime: '1h', idleLifetime: '30m' }))
    await stage.pass(29 * minute - 1_000)
    expect(told).toEqual(['standing'])
    await stage.pass(2_000)
    expect(told).toEqual(['standing', 'expiring'])
    await stage.pass(minute - 2_000)
    expect(told).toEqual(['standing', 'expiring'])
    await stage.pass(2_000)
    expect(told).toEqual(['standing', 'expiring', 'ended session_expired null null'])
  })

  test('takes back a warning when the session is used, and gives it again later', async () => {
    const session = await logIn('ann', { lifetime: '1h', idleLifetime: '10m' })
    const { told } = stage.watch(session)
    await stage.pass(9 * minute + 30_000)
    expect(told).toEqual(['standing', 'expiring'])
    await stage.sessions.verify(session.accessToken)
    await stage.pass(31_000)
    expect(told).toEqual(['standing', 'expiring', 'standing'])
    await stage.pass(10 * minute)
    expect(told.slice(3)).toEqual(['expiring', 'ended session_expired null null'])
  })

  test('explains an end by what was heard of it, and not by what came to nothing before', async () => {
    const { told } = stage.watch(await logIn('ann', { lifetime: '1h', idleLifetime: '1h' }))
    await stage.pass(0)
    await Promise.all([stage.sessions.suspend('ann', { reason: 'fraud' }), stage.sessions.reinstate('ann')])
    await stage.pass(61 * minute)
    expect(told.at(-1)).toBe('ended session_expired null null')
  })

  test('waits for what is months away without a timer of months, which would be due at once', async () => {
    const { told } = stage.watch(await logIn('ann', { lifetime: '3650d', idleLifetime: '3650d' }))
    await stage.pass(60 * minute)
    expect([told, stage.counts().timers]).toEqual([['standing'], 1])
  })

  test('of a session that has ended before tells just that', async () => {
    const session = await logIn()
    await stage.sessions.revoke('ann', session.sid)
    const { told } = stage.watch(session)
    const unknown = stage.watch({ userId: 'ann', sid: 'unknown' })
    const foreign = stage.watch({ userId: 'ben', sid: (await logIn()).sid })
    await stage.pass(0)
    for (const { told: each } of [{ told }, unknown, foreign]) expect(each).toEqual(['ended session_ended null null'])
  })

  test('is one read and one timer, however many watch', async () => {
    const session = await logIn()
    const before = stage.counts().lookups
    const watches = Array.from({ length: 100 }, () => stage.watch(session))
    await stage.pass(0)
    expect(stage.counts().lookups - before).toBeLessThanOrEqual(2)
    expect(watches.map(({ told }) => told)).toEqual(watches.map(() => ['standing']))
    const late = stage.watch(session)
    expect(late.told).toEqual(['standing'])
    expect(stage.counts().timers).toBeLessThanOrEqual(2)
    for (const { stop } of [...watches, late]) stop()
    await stage.pass(1_000)
    expect([stage.counts().timers, stage.sessions.status().watched]).toEqual([0, 0])
  })

  test('that was ended hears of nothing', async () => {
    const session = await logIn()
    const [one, other] = [stage.watch(session), stage.watch(session)]
    await stage.pass(0)
    one.stop()
    one.stop()
    await stage.sessions.revoke('ann', session.sid)
    await stage.pass(0)
    expect([one.told, other.told]).toEqual([['standing'], ['standing', 'ended session_ended logout null']])
  })

  test('reads again from time to time, so that it finds what nobody told of', async () => {
    const session = await logIn()
    const { told } = stage.watch(session)
    await stage.pass(0)
    // Another process, without a word.
    await stage.open().revoke('ann', session.sid)
    await stage.pass(minute - 2_000)
    expect(told).toEqual(['standing'])
    await stage.pass(4_000)
    expect(told).toEqual(['standing', 'ended session_ended null null'])
  })

  test('ends nothing while the store is away, and finds out afterwards', async () => {
    const session = await logIn()
    const { told } = stage.watch(session)
    await stage.pass(0)
    const { lookup } = stage.store
    Object.assign(stage.store, { lookup: () => Promise.reject(new Error('connection lost')) })
    await stage.sessions.revoke('ann', session.sid)
    await stage.pass(5 * minute)
    expect(told).toEqual(['standing'])
    Object.assign(stage.store, { lookup })
    await stage.pass(minute + 1_000)
    expect(told).toEqual(['standing', 'ended session_ended logout null'])
  })

  test('survives a wall clock that jumps: by its end it is asked for again', async () => {
    const session = await logIn('ann', { lifetime: '1h', idleLifetime: '1h' })
    const { told } = stage.watch(session)
    await stage.pass(0)
    stage.clock.jump(2 * 60 * minute)
    await stage.pass(minute + 1_000)
    expect(told.at(-1)).toBe('ended session_expired null null')
  })

  test('keeps listeners apart: one that throws is an error of its own', async () => {
    const session = await logIn()
    const errors: unknown[] = []
    stage.sessions.on('error', ({ error, during }) => void errors.push([String(error), during]))
    stage.sessions.watch(session, () => {
      throw new Error('broken')
    })
    const { told } = stage.watch(session)
    await stage.pass(0)
    expect([told, errors]).toEqual([['standing'], [['Error: broken', 'listener']]])
  })

  test('takes what an async listener rejects with for an error of its own, which would end the process', async () => {
    const session = await logIn()
    const errors: unknown[] = []
    stage.sessions.on('error', ({ error, during }) => void errors.push([String(error), during]))
    stage.sessions.watch(session, () => Promise.reject(new Error('broken')))
    await stage.pass(0)
    expect(errors).toEqual([['Error: broken', 'listener']])
  })

  test('can be ended where a listener throws at what it is told at once, and by the listener before it', async () => {
    const session = await logIn()
    const { stop } = stage.watch(session)
    await stage.pass(0)
    const stopBroken = stage.sessions.watch(session, () => {
      throw new Error('broken')
    })
    stage.sessions.watch(session, (event) => event.type === 'ended' && later.stop())
    const later = stage.watch(session)
    stop()
    stopBroken()
    await stage.sessions.revoke('ann', session.sid)
    await stage.pass(0)
    expect([later.told, stage.sessions.status().watched]).toEqual([['standing'], 0])
  })

  test('is refused while the sessions close, also to a listener that hears of it', async () => {
    const session = await logIn()
    stage.sessions.watch(session, ({ type }) => type === 'closed' && stage.watch(session))
    await stage.pass(0)
    const closing = stage.sessions.close()
    expect(() => stage.watch(session)).toThrow('this sessions object is closed')
    await closing
    expect([stage.counts().timers, stage.sessions.status().watched]).toEqual([0, 0])
  })

  test('is closed with the sessions, and refused from then on', async () => {
    const session = await logIn()
    const { told } = stage.watch(session)
    await stage.pass(0)
    await stage.sessions.close()
    expect(told).toEqual(['standing', 'closed'])
    expect(stage.counts().timers).toBe(0)
    expect(() => stage.watch(session)).toThrow('this sessions object is closed')
  })

  test.each([
    [{ userId: '', sid: 'x' }],
    [{ userId: 'ann', sid: '' }],
    [{ userId: 'ann', sid: 'a b' }],
    [{ userId: 'ann', sid: 1 as never }],
  ])('refuses %j', (key) => {
    expect(() => stage.watch(key)).toThrow(TypeError)
  })
})
