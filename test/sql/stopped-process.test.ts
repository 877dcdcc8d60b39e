import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { describeSql, secret, type SqlStage } from '../support/sql-stage.js'

const stops = 50
const maxStaleness = 150

interface Message {
  readonly id: number
  readonly answer: { readonly acceptedAt: number; readonly code: string } | string
}

/** The pauses are of a real process that is really stopped: no clock of ours can stand in for it. */
describeSql('a process that is stopped for longer than its bound', (stage, engine) => {
  test(`accepts no session that was revoked meanwhile once it goes on, in ${stops} stops`, async () => {
    const child = await startVerifier(stage())
    const late: number[] = []
    for (let stop = 0; stop < stops; stop += 1) {
      const userId = `stopped-${stop}`
      const { accessToken, session } = await stage().sessions.create({ userId })
      child.send({ id: stop + 1, given: [accessToken] })
      await next(child, (message) => message.answer === 'cached')
      child.kill('SIGSTOP')
      await stage().sessions.revoke(userId, session.sid)
      const revokedAt = Date.now()
      await pause(maxStaleness + 20)
      child.kill('SIGCONT')
      const { answer } = await next(child, ({ id }) => id === stop + 1)
      if (typeof answer === 'string') throw new Error(answer)
      expect(answer.code).toBe('session_ended')
      if (answer.acceptedAt > revokedAt + maxStaleness) late.push(answer.acceptedAt - revokedAt)
    }
    child.disconnect()
    await once(child, 'exit')
    console.log(
      `${engine}: ${stops} stops of ${maxStaleness + 20} ms with a bound of ${maxStaleness} ms: ${late.length} late`,
    )
    expect(late).toEqual([])
  }, 60_000)
})

async function startVerifier({ database: { engine, config } }: SqlStage): Promise<ChildProcess> {
  const settings = JSON.stringify({ engine, config, secret, maxStaleness })
  const child = fork(new URL('../fixtures/verifier.mjs', import.meta.url), [settings])
  await next(child, ({ id }) => id === 0)
  return child
}

async function next(child: ChildProcess, isWanted: (message: Message) => boolean): Promise<Message> {
  for (;;) {
    const [message] = (await once(child, 'message')) as [Message]
    if (isWanted(message)) return message
  }
}
