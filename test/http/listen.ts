import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { ServedApp } from '../conformance/http/harness.js'

export async function listen(server: Server): Promise<ServedApp> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      const closed = once(server, 'close')
      server.close()
      // What is still open a second later is a failed case's.
      const timer = setTimeout(() => server.closeAllConnections(), 1_000)
      await closed
      clearTimeout(timer)
    },
  }
}
