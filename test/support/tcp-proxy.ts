import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

/** A TCP link to a server that a test can break. */
export interface TcpProxy {
  /** The given URL, through the proxy. */
  readonly url: string
  /** Ends every connection and refuses new ones. */
  cut(): void
  /** Keeps every connection open and passes nothing on, either way. */
  silence(): void
  /** Passes on again, for connections begun after this. */
  restore(): void
  /** Calls back with every chunk on its way to the server, before it goes there. */
  watch(listener: (chunk: Buffer) => void): void
  close(): Promise<void>
}

export async function createTcpProxy(target: string): Promise<TcpProxy> {
  const url = new URL(target)
  const [host, port] = [url.hostname, Number(url.port)]
  const links = new Set<Socket>()
  let mode: 'passing' | 'silent' | 'cut' = 'passing'
  let watcher: (chunk: Buffer) => void = () => {}

  const server = createServer((client) => {
    if (mode === 'cut') return client.destroy()
    const upstream = connect({ host, port })
    const pair = [client, upstream] as const
    for (const socket of pair) {
      links.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        links.delete(socket)
        for (const each of pair) each.destroy()
      })
    }
    client.on('data', (chunk: Buffer) => {
      if (mode === 'passing') watcher(chunk)
      if (mode === 'passing') upstream.write(chunk)
    })
    upstream.on('data', (chunk: Buffer) => {
      if (mode === 'passing') client.write(chunk)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  url.port = String((server.address() as AddressInfo).port)

  function endAll(): void {
    for (const socket of links) socket.destroy()
  }

  return {
    url: url.href,
    cut() {
      mode = 'cut'
      endAll()
    },
    silence() {
      mode = 'silent'
    },
    restore() {
      endAll()
      mode = 'passing'
    },
    watch(listener) {
      watcher = listener
    },
    async close() {
      endAll()
      server.close()
      await once(server, 'close')
    },
  }
}
