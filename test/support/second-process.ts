import { fork } from 'node:child_process'
import { once } from 'node:events'
import type { TestDatabase } from './databases.js'

/** The verbs in another process on the same database. */
export interface SecondProcess {
  call(verb: 'revokeAll' | 'revokeOthers' | 'revoke', ...given: string[]): Promise<unknown>
  close(): Promise<void>
}

interface Answer {
  readonly id: number
  readonly answer?: unknown
  readonly fault?: string
}

export async function startSecondProcess(database: TestDatabase, secret: string): Promise<SecondProcess> {
  const { engine, config } = database
  const child = fork(new URL('../fixtures/revoker.mjs', import.meta.url), [JSON.stringify({ engine, config, secret })])
  const waiting = new Map<number, (answer: Answer) => void>()
  let calls = 0
  child.on('message', (answer: Answer) => {
    waiting.get(answer.id)?.(answer)
    waiting.delete(answer.id)
  })
  await new Promise((resolve) => void waiting.set(0, resolve))

  return {
    async call(verb, ...given) {
      const id = (calls += 1)
      const answer = await new Promise<Answer>((resolve) => {
        waiting.set(id, resolve)
        child.send({ id, verb, given })
      })
      if (answer.fault !== undefined) throw new Error(answer.fault)
      return answer.answer
    },
    async close() {
      const ended = once(child, 'exit')
      child.disconnect()
      await ended
    },
  }
}
