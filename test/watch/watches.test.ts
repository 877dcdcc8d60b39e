import { expect, test } from 'vitest'
import { createWatches } from '../../src/watch/watches.js'
import { openStage } from './open-watch.js'

test('a watch hears of a change that comes in the very turn in which a read has ended', async () => {
  const stage = await openStage()
  const { session } = await stage.sessions.create({ userId: 'ann' })
  const key = { userId: 'ann', sid: session.sid }
  let [record = null] = await stage.store.lookup([key], { signal: AbortSignal.timeout(1_000) })
  const watches = createWatches({
    clock: stage.clock,
    storeTimeout: 1_000,
    recheckInterval: 60_000,
    fault: () => {},
    read: async () => ({ record, startedAt: { wall: 0, mono: 0 }, isOvertaken: false }),
  })
  const told: string[] = []
  watches.add(key, ({ type }) => {
    told.push(type)
    if (type === 'standing') queueMicrotask(() => ((record = null), watches.changed('ann', session.sid)))
  })
  await stage.pass(0)
  expect(told).toEqual(['standing', 'ended'])
})
