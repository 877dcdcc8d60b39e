import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

/** Stands between a client and its database, and can be made to fail as networks do. */
export interface TcpProxy {
  /** The URL of the database, by way of this proxy. */
  readonly url: string
  /** Ends all connections and refuses new ones, as a stopped database does. */
  cut(): void
  /**
   * Lets connections stand and new ones begin, and passes nothing on, as a lost host does. Resolves once there was
   * something to pass on.
   */
  swallow(): Promise<void>
  /** Passes on what clients send, and nothing that the database answers, as a link that breaks between the two. */
  withhold(): void
  /** Passes new connections on. Those that were swallowed stay dead, and so do those whose answers were withheld. */
  heal(): void
  /** How many clients have a connection. */
  connections(): number
  close(): Promise<void>
}

export async function startProxy(databaseUrl: string): Promise<TcpProxy> {
  const target = new URL(databaseUrl)
  const open = new Set<Socket>()
  const clients = new Set<Socket>()
  const answering = new Set<Socket>()
  let mode: 'passes' | 'cut' | 'swallows' | 'withholds' = 'passes'
  let noteSwallowed = (): void => {}

  const server = createServer((inbound) => {
    clients.add(keep(inbound).once('close', () => clients.delete(inbound)))
    if (mode === 'cut') return void inbound.resetAndDestroy()
    if (mode === 'swallows') return void inbound.once('data', noteSwallowed)
    const outbound = keep(connect(Number(target.port), target.hostname))
    inbound.pipe(outbound)
    if (mode === 'withholds') outbound.resume()
    else outbound.pipe(inbound)
    answering.add(outbound.once('close', () => answering.delete(outbound)))
    inbound.once('close', () => outbound.destroy())
    outbound.once('close', () => inbound.destroy())
  })

  function keep(socket: Socket): Socket {
    open.add(socket)
    return socket.on('error', () => {}).once('close', () => open.delete(socket))
  }

  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = new URL(databaseUrl)
  url.host = `127.0.0.1:${(server.address() as AddressInfo).port}`

  return {
    url: url.href,
    cut() {
      mode = 'cut'
      for (const socket of open) socket.resetAndDestroy()
    },
    swallow() {
      mode = 'swallows'
      const swallowed = new Promise<void>((resolve) => (noteSwallowed = resolve))
      for (const socket of open) socket.unpipe().once('data', noteSwallowed).resume()
      return swallowed
    },
    withhold() {
      mode = 'withholds'
      for (const socket of answering) socket.unpipe().resume()
    },
    heal() {
      mode = 'passes'
    },
    connections: () => clients.size,
    async close() {
      for (const socket of open) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
