import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { DemoApp } from './app-parts.js'

export interface RunningServer {
  /** Where it is reached from this machine. */
  readonly url: string
  /** Whether no other machine can reach it. */
  readonly isLocal: boolean
  /** Stops accepting, lets the requests under way finish for 5 seconds at most, then cuts them. */
  stop(): Promise<void>
}

const stopTimeout = 5_000

export async function startServer(
  { listener, endStreams }: DemoApp,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<RunningServer> {
  const server = createServer(listener)
  const stop = createStop(server, endStreams)
  server.listen(port, host)
  await once(server, 'listening').catch((error: unknown) => {
    throw new Error(`can't serve on ${host}:${port}; HOST and PORT choose another`, { cause: error })
  })
  const address = server.address() as AddressInfo
  return { url: urlOf(address), isLocal: /^(127\.|::1$)/.test(address.address), stop }
}

function createStop(server: Server, endStreams: () => void): () => Promise<void> {
  let isStopping = false
  server.on('request', (_, response) => {
    response.once('close', () => {
      // A kept-alive connection would hold the stop up until the client lets go.
      if (isStopping) setImmediate(() => server.closeIdleConnections())
    })
  })
  return async () => {
    isStopping = true
    endStreams()
    const closed = once(server, 'close')
    server.close()
    const timer = setTimeout(() => server.closeAllConnections(), stopTimeout)
    await closed
    clearTimeout(timer)
  }
}

function urlOf({ address, family, port }: AddressInfo): string {
  const loopback = { '0.0.0.0': '127.0.0.1', '::': '::1' }[address] ?? address
  return `http://${family === 'IPv6' ? `[${loopback}]` : loopback}:${port}`
}
