import { expect, test } from 'vitest'
import { createConnections, type LiveConnection } from '../../src/live/connections.js'
import type { Sessions } from '../../src/sessions.js'
import { openStage } from '../watch/open-watch.js'

test('a connection ends with its access token by the wall clock, also when that jumps or the machine has slept', async () => {
  const stage = await openStage({ accessToken: { lifetime: '10m', jitter: 0 } })
  const { session, expiresAt } = await stage.sessions.create({ userId: 'ann' })
  const connections = createConnections(stage.sessions as Sessions, {
    untilTokenExpires: true,
    clock: stage.clock,
  })
  const ends: string[] = []
  const auth = { userId: 'ann', sid: session.sid, expiresAt } as LiveConnection<Record<never, never>>['auth']
  connections.bind({ auth, end: ({ code }) => ends.push(code) })
  stage.clock.jump(-60_000)
  await stage.pass(10 * 60_000 + 30_000)
  expect(ends).toEqual([])
  stage.clock.jump(60_000)
  await stage.pass(61_000)
  expect([ends, connections.size]).toEqual([['token_expired'], 0])
})
