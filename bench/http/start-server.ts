import { fork } from 'node:child_process'
import { once } from 'node:events'
import type { Given } from './serve.js'

export interface RunningServer {
  readonly url: string
  /** Microseconds of a core that its process has used. */
  cpuTime(): Promise<number>
  close(): Promise<void>
}

/** @param name of the file in `servers/`, which gets a process of its own */
export async function startServer(name: string, given: Given): Promise<RunningServer> {
  const child = fork(new URL(`servers/${name}.ts`, import.meta.url), [JSON.stringify(given)], {
    env: { ...process.env, NODE_ENV: 'production' },
  })
  const ended = once(child, 'exit')
  const lost = ended.then(() => Promise.reject(new Error(`the server ${name} ended early`)))
  const [port] = (await Promise.race([once(child, 'message'), lost])) as [number]
  return {
    url: `http://127.0.0.1:${port}`,
    async cpuTime() {
      child.send('cpu time')
      const [{ user, system }] = (await once(child, 'message')) as [NodeJS.CpuUsage]
      return user + system
    },
    async close() {
      if (child.connected) child.disconnect()
      await ended
    },
  }
}
