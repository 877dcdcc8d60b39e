import { beforeEach, describe, expect, test } from 'vitest'
import type { SessionKey } from '../../src/ports/store.js'
import { createLocalBus } from '../support/local-bus.js'
import { openStage, type Stage } from './open-watch.js'

let stage: Stage
beforeEach(async () => {
  stage = await openStage()
})

async function logIn(): Promise<SessionKey> {
  const { session } = await stage.sessions.create({ userId: 'ann' })
  return { userId: 'ann', sid: session.sid }
}

describe('watch, beside other processes', () => {
  test('hears by the outbox of what another process did', async () => {
    const outbox = { pollInterval: '100ms' } as const
    const [here, elsewhere] = [stage.open({ outbox }), stage.open({ outbox })]
    const session = await logIn()
    const { told } = stage.watch(session, here)
    await stage.pass(1_000)
    await elsewhere.revoke('ann', session.sid, { reason: 'lost', actor: 'sam' })
    await stage.pass(120)
    expect(told.at(-1)).toBe('ended session_ended lost sam')
    await Promise.all([here.close(), elsewhere.close(), stage.pass(1_000)])
  })

  test('hears by the bus of a login that another process took', async () => {
    const outbox = { bus: createLocalBus(), pollInterval: '1s' } as const
    const [here, elsewhere] = [stage.open({ outbox }), stage.open({ outbox })]
    const { told } = stage.watch(await logIn(), here)
    await stage.pass(1_000)
    await elsewhere.create({ userId: 'ann' })
    await stage.pass(100)
    expect(told).toEqual(['standing', 'devices'])
    await Promise.all([here.close(), elsewhere.close(), stage.pass(1_000)])
  })

  test('reads again after a time in which nothing was heard', async () => {
    const here = stage.open({ outbox: { pollInterval: '100ms' } })
    stage.watch(await logIn(), here)
    await stage.pass(1_000)
    const { readEvents } = stage.store
    Object.assign(stage.store, { readEvents: () => Promise.reject(new Error('connection lost')) })
    await stage.pass(2_000)
    const before = stage.counts().lookups
    Object.assign(stage.store, { readEvents })
    await stage.pass(5_000)
    expect(stage.counts().lookups).toBeGreaterThan(before)
    await Promise.all([here.close(), stage.pass(1_000)])
  })
})
