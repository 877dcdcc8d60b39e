import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const main = fileURLToPath(new URL('../../dist/demo/main.js', import.meta.url))

const running = new Set<ChildProcess>()

/** The demo server as a process of its own, as `npm start` runs it. */
export interface DemoProcess {
  readonly url: string
  readonly pid: number
  /** All it has printed. */
  output(): string
  /** Sends the signal; resolves to the exit code once it has ended. */
  stop(signal?: NodeJS.Signals): Promise<number | null>
  readonly ended: Promise<number | null>
}

export interface Environment {
  readonly DATABASE_URL: string
  readonly KEYS_FILE: string
  readonly PORT?: string
  readonly HOST?: string
  readonly REFRESH_SECRET_FILE?: string
  readonly ACCESS_LIFETIME?: string
  readonly REFRESH_GRACE?: string
  readonly SESSION_LIFETIME?: string
  readonly IDLE_LIFETIME?: string
}

/** Starts it on a free port, with these arguments, and waits until it serves. */
export async function startDemo(environment: Environment, given: readonly string[] = []): Promise<DemoProcess> {
  const demo = spawnDemo(environment, given)
  for (;;) {
    const url = /^rollcall demo on (\S+)$/m.exec(demo.output())?.[1]
    if (url !== undefined && demo.output().includes('/auth/logout-everywhere')) return { ...demo, url }
    if ((await Promise.race([demo.printed(), demo.ended])) !== 'printed')
      throw new Error(`the demo ended: ${demo.output()}`)
  }
}

/** Starts it where it can't serve: resolves to its exit code and what it printed. */
export async function failToStart(
  environment: Environment,
  given: readonly string[] = [],
): Promise<{ code: number | null; output: string }> {
  const demo = spawnDemo(environment, given)
  const code = await demo.ended
  return { code, output: demo.output() }
}

/** Ends what a failed test left running. */
export function killLeftovers(): void {
  for (const child of running) child.kill('SIGKILL')
}

interface Spawned extends Omit<DemoProcess, 'url'> {
  /** Resolves at the next output. */
  printed(): Promise<'printed'>
}

function spawnDemo(environment: Environment, given: readonly string[]): Spawned {
  const env = { PATH: process.env['PATH'], PORT: '0', ...environment }
  const child = spawn(process.execPath, [main, ...given], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  running.add(child)
  child.once('close', () => running.delete(child))
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
      child.emit('printed')
    })
  }
  const ended = once(child, 'close').then(([code]) => code as number | null)
  return {
    pid: child.pid!,
    ended,
    output: () => output,
    printed: () => once(child, 'printed').then(() => 'printed' as const),
    stop(signal = 'SIGTERM') {
      child.kill(signal)
      return ended
    },
  }
}
