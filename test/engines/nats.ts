import { connect } from 'node:net'
import { once } from 'node:events'
import type { Place } from './place.js'
import type { Program, Recipe, Started } from './recipe.js'
import { serveIn } from './run-server.js'

export const nats: Recipe = {
  oldest: '2.9',
  binaries: ['nats-server'],
  requiresUser: false,
  debianPackage: 'nats-server',
  image: {
    name: 'nats:2',
    port: 4222,
    environment: [],
    args: [],
    url: urlOf,
  },
  readVersion: (output) => /^nats-server: v(\d+(?:\.\d+)*)/.exec(output)?.[1] ?? null,
  start: startNats,
  checkServer: checkNats,
}

async function startNats({ path }: Program, place: Place): Promise<Started> {
  const server = await serveIn(place, {
    signals: { 'at once': 'SIGKILL', 'in order': 'SIGTERM' },
    ready: /Server is ready/,
    command: (free) => [path, '--addr', '127.0.0.1', '--port', String(free)],
  })
  return { url: urlOf(server.port), server }
}

/** The server speaks first, and says what it is. */
async function checkNats(url: string): Promise<string> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port || '4222'), hostname).setEncoding('utf8')
  try {
    const [greeting] = (await once(socket, 'data', { signal: AbortSignal.timeout(10_000) })) as [string]
    const version = /^INFO \{.*"version":"(\d+(?:\.\d+)*)/.exec(greeting)?.[1]
    if (version === undefined) throw new Error(`it is not NATS: ${greeting.slice(0, 80)}`)
    return version
  } finally {
    socket.destroy()
  }
}

function urlOf(port: number): string {
  return `nats://127.0.0.1:${port}`
}
