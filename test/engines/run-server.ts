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

export interface ServerCommand {
  /** The line of its own log that says it answers. A connection would not do: another server may have taken the port. */
  readonly ready: RegExp
  /** Ends the server at once; its data is of no worth. */
  readonly signal: NodeJS.Signals
  command(port: number): Command | Promise<Command>
}

/** Runs a command that prepares `place`, such as initdb, to its end. */
export async function runIn(place: Place, command: Command): Promise<void> {
  const { child, readLog } = spawnIn(place, command, 'SIGKILL')
  const [code] = await once(child, 'exit')
  place.watch('SIGKILL', null)
  if (code !== 0) throw new Error(`${command[0]} failed: ${lastLines(await readLog())}`)
}

/** Starts a server on a free loopback port; resolves to the port once the server answers. */
export async function serveIn(place: Place, server: ServerCommand, attempts = 5): Promise<number> {
  const port = await findFreePort()
  const command = await server.command(port)
  const { child, readLog } = spawnIn(place, command, server.signal)
  await once(child, 'spawn')
  const deadline = Date.now() + readyWithin
  while (Date.now() < deadline) {
    const hasEnded = child.exitCode !== null || child.signalCode !== null
    const log = await readLog()
    if (hasEnded && /address already in use/i.test(log) && attempts > 1) return serveIn(place, server, attempts - 1)
    if (hasEnded) throw new Error(`${command[0]} ended: ${lastLines(log)}`)
    if (server.ready.test(log)) {
      child.unref()
      return port
    }
    await sleep(20)
  }
  throw new Error(`${command[0]} does not answer: ${lastLines(await readLog())}`)
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
