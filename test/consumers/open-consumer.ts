import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir, mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../../', import.meta.url))

/** What the apps and the package itself need beside it; a stranger's `npm install` would fetch the same. */
const packages = ['hono', '@hono/node-server', 'express', 'fastify', 'jose', 'lru-cache', 'bowser', 'cookie', '@types']

/** A folder that has the package as it is packed, for apps that are put into it. */
export interface Place {
  /** Compiles the app by its own settings and serves it. */
  start(app: string): Promise<RunningApp>
  remove(): Promise<void>
}

export interface RunningApp {
  readonly url: string
  /** All it has printed, on either stream. */
  output(): string
  /** Resolves to the exit code. */
  stop(): Promise<number | null>
}

export async function packInto(): Promise<Place> {
  const folder = await mkdtemp(join(tmpdir(), 'rollcall-consumer-'))
  const modules = join(folder, 'node_modules')
  await mkdir(join(modules, 'rollcall'), { recursive: true })
  const { stdout } = await run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], {
    cwd: root,
  })
  const [{ filename }] = JSON.parse(stdout) as [{ filename: string }]
  await run('tar', ['-xzf', join(folder, filename), '-C', join(modules, 'rollcall'), '--strip-components=1'])
  for (const name of packages) {
    await mkdir(dirname(join(modules, name)), { recursive: true })
    await symlink(join(root, 'node_modules', name), join(modules, name))
  }
  return {
    async start(app) {
      await cp(join(root, 'test/consumers', app), join(folder, app), { recursive: true })
      await compile(join(folder, app))
      return startApp(join(folder, app, 'server.js'))
    },
    remove: () => rm(folder, { recursive: true }),
  }
}

async function compile(folder: string): Promise<void> {
  try {
    await run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', folder])
  } catch (error) {
    throw new Error(`it does not type-check:\n${(error as { stdout?: string }).stdout}`, { cause: error })
  }
}

async function startApp(script: string): Promise<RunningApp> {
  const child = spawn(process.execPath, [script], { env: { PATH: process.env['PATH'], PORT: '0' }, stdio: 'pipe' })
  const ended = once(child, 'close').then(([code]) => code as number | null)
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (output += text))
  const listening = /^listening on (\S+)$/m
  const isOver = ended.then(() => 'over')
  while (!listening.test(output)) {
    const heard = once(child.stdout, 'data').then(() => 'heard')
    if ((await Promise.race([heard, isOver])) === 'over') throw new Error(`it ended: ${output}`)
  }
  return {
    url: listening.exec(output)![1]!,
    output: () => output,
    stop() {
      child.kill('SIGTERM')
      return ended
    },
  }
}
