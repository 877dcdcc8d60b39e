import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { basename, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Place } from './place.js'
import { lastLines } from './run-command.js'

const readyWithin = 120_000

export type Command = readonly [string, ...string[]]

/** As a crash does, or as an administrator does. */
export type Stop = 'at once' | 'in order'

export interface ServerCommand {
  /** The line of its own log that says it answers. A connection would not do: another server may have taken the port. */
  readonly ready: RegExp
  readonly signals: Readonly<Record<Stop, NodeJS.Signals>>
  command(port: number): Command | Promise<Command>
}

/** A server process that can be ended, and started again on its port and data. */
export interface Server {
  readonly port: number
  /** Resolves when the process has ended. */
  stop(how: Stop): Promise<void>
  /** Resolves when a new process answers. */
  start(): Promise<void>
}

/** Runs a command that prepares `place`, such as initdb, to its end. */
export async function runIn(place: Place, command: Command): Promise<void> {
  const { child, readLog } = spawnIn(place, command, 'SIGKILL')
  const [code] = await once(child, 'exit')
  place.watch('SIGKILL', null)
  if (code !== 0) throw new Error(`${command[0]} failed: ${lastLines(await readLog())}`)
}

/** Starts a server on a free loopback port; resolves once it answers. */
export async function serveIn(place: Place, server: ServerCommand, attempts = 5): Promise<Server> {
  const port = await findFreePort()
  const command = await server.command(port)
  const spawned = spawnIn(place, command, server.signals['at once'])
  try {
    await answers(spawned, command, server.ready)
  } catch (error) {
    if (attempts > 1 && /address already in use/i.test(await spawned.readLog()))
      return serveIn(place, server, attempts - 1)
    throw error
  }
  let { child } = spawned
  return {
    port,
    async stop(how) {
      child.ref()
      const ended = once(child, 'exit')
      child.kill(server.signals[how])
      await ended
      place.watch('SIGKILL', null)
    },
    async start() {
      const again = spawnIn(place, command, server.signals['at once'])
      child = again.child
      await answers(again, command, server.ready)
    },
  }
}

async function answers({ child, readLog }: Spawned, [file]: Command, ready: RegExp): Promise<void> {
  await once(child, 'spawn')
  const deadline = Date.now() + readyWithin
  while (Date.now() < deadline) {
    const hasEnded = child.exitCode !== null || child.signalCode !== null
    const log = await readLog()
    if (hasEnded) throw new Error(`${file} ended: ${lastLines(log)}`)
    if (ready.test(log)) return child.unref()
    await sleep(20)
  }
  throw new Error(`${file} does not answer: ${lastLines(await readLog())}`)
}

interface Spawned {
  readonly child: ChildProcess
  readonly readLog: () => Promise<string>
}

function spawnIn(place: Place, [file, ...args]: Command, signal: NodeJS.Signals): Spawned {
  const logPath = join(place.folder, `${basename(file)}.log`)
  const log = openSync(logPath, 'w')
  const child = spawn(file, args, {
    cwd: place.folder,
    detached: true,
    env: { PATH: process.env['PATH'], HOME: place.folder, LC_ALL: 'C' },
    stdio: ['ignore', log, log],
    ...place.ids,
  })
  closeSync(log)
  // At once: a process that the keeper does not know of would outlive this one.
  place.watch(signal, child.pid ?? null)
  return { child, readLog: () => readFile(logPath, 'utf8') }
}

async function findFreePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as AddressInfo
  probe.close()
  await once(probe, 'close')
  return port
}
