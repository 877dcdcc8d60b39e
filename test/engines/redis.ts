import { symlink } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Place } from './place.js'
import type { Program, Recipe, Started } from './recipe.js'
import { serveIn } from './run-server.js'

const settings = ['--save', '', '--appendonly', 'no']

export const redis: Recipe = {
  oldest: '6.2',
  binaries: ['redis-server'],
  requiresUser: false,
  debianPackage: 'redis-server',
  image: {
    name: 'redis:7',
    port: 6379,
    environment: [],
    args: ['redis-server', ...settings],
    url: urlOf,
  },
  // Debian's redis-server is a link to redis-check-rdb, one program that goes by the name it is called by.
  readVersion: (output) => /^(?:Redis server v=|redis-check-rdb )(\d+(?:\.\d+)*)/.exec(output)?.[1] ?? null,
  start: startRedis,
  checkServer: checkRedis,
}

async function startRedis(program: Program, place: Place): Promise<Started> {
  const path = join(place.folder, 'redis-server')
  await symlink(program.path, path)
  const server = await serveIn(place, {
    signals: { 'at once': 'SIGKILL', 'in order': 'SIGTERM' },
    ready: /Ready to accept connections/,
    command: (free) => [path, '--bind', '127.0.0.1', '--port', String(free), '--dir', place.folder, ...settings],
  })
  return { url: urlOf(server.port), server }
}

/** Asks without a client library, by an inline command of the protocol. */
async function checkRedis(url: string): Promise<string> {
  const { hostname, port, password } = new URL(url)
  const socket = connect(Number(port || '6379'), hostname)
  let answer = ''
  socket.setEncoding('utf8').on('data', (part: string) => (answer += part))
  try {
    await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject))
    if (password !== '') socket.write(`AUTH ${decodeURIComponent(password)}\r\n`)
    socket.write('INFO server\r\n')
    const version = await waitFor(() => /redis_version:(\d+(?:\.\d+)*)/.exec(answer)?.[1])
    if (version === undefined)
      throw new Error(`it is not Redis, or refuses to tell its version: ${answer.slice(0, 80)}`)
    return version
  } finally {
    socket.destroy()
  }
}

async function waitFor(find: () => string | undefined): Promise<string | undefined> {
  const deadline = Date.now() + 10_000
  while (find() === undefined && Date.now() < deadline) await sleep(10)
  return find()
}

function urlOf(port: number): string {
  return `redis://127.0.0.1:${port}`
}
