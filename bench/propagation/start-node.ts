import { fork } from 'node:child_process'
import { once } from 'node:events'
import { now, type Answer, type NodeSettings, type Order, type Orders } from './orders.js'

/** The orders, given to a process of its own. */
export interface Node extends Orders {
  end(): Promise<void>
}

/** @throws Error unless its clock is that of this process */
export async function startNode(settings: NodeSettings): Promise<Node> {
  const child = fork(new URL('node.ts', import.meta.url), [JSON.stringify(settings)])
  const ended = once(child, 'exit')
  const lost = ended.then(() => Promise.reject(new Error('a process ended early')))
  lost.catch(() => {})
  const waiting = new Map<number, (answer: Answer) => void>()
  let orders = 0
  child.on('message', (answer: Answer) => {
    waiting.get(answer.id)?.(answer)
    waiting.delete(answer.id)
  })

  async function tell<Name extends keyof Orders>(
    name: Name,
    ...given: Parameters<Orders[Name]>
  ): Promise<Awaited<ReturnType<Orders[Name]>>> {
    const id = (orders += 1)
    const answered = new Promise<Answer>((resolve) => void waiting.set(id, resolve))
    // Where it fails, so has the process, which `lost` tells.
    child.send({ id, name, given } satisfies Order, () => {})
    const { answer, fault } = await Promise.race([answered, lost])
    if (fault !== undefined) throw new Error(`a process failed: ${fault}`)
    return answer as Awaited<ReturnType<Orders[Name]>>
  }

  const node: Node = {
    now: () => tell('now'),
    open: (hearing) => tell('open', hearing),
    watch: (tokens) => tell('watch', tokens),
    revoke: (sessions, within) => tell('revoke', sessions, within),
    refusals: () => tell('refusals'),
    close: () => tell('close'),
    async end() {
      if (child.connected) child.disconnect()
      await ended
    },
  }
  await checkClock(node).catch(async (error: unknown) => {
    await node.end()
    throw error
  })
  return node
}

/** Whatever the other reads lies between what is read here before and after. */
async function checkClock(node: Node): Promise<void> {
  for (let time = 0; time < 100; time += 1) {
    const before = now()
    const there = await node.now()
    if (there < before || there > now()) throw new Error('the processes do not share a clock')
  }
}
