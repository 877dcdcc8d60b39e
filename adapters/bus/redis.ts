import { checkOptions, checkText } from '../../src/options.js'
import type { Bus } from '../../src/ports/bus.js'
import { openerOf, type IoRedisClient, type NodeRedisClient, type StreamConnection } from './redis-clients.js'

/** A client of the package `redis` or `ioredis`, version 5 or newer: for one server, or with ioredis for Sentinels. */
export type RedisClient = NodeRedisClient | IoRedisClient

export interface RedisBusOptions {
  /** The key of the stream, the same in all processes: at most 255 characters. Default `'rollcall'`. */
  readonly stream?: string | undefined
}

/**
 * Wakes other processes through a stream of Redis 6.2 or newer, or of Valkey. Your client is only copied: the bus has two
 * connections of its own with your client's settings, one that waits for messages and one that sends them. The stream keeps
 * about 1,000 messages; the user of Redis needs `+xadd +xread +xrevrange` on its key.
 *
 * A stream and not Pub/Sub, which delivers at most once
 * (<https://redis.io/docs/latest/develop/pubsub/#delivery-semantics>).
 * @throws TypeError unless it is such a client; those of a cluster are not
 */
export function redisBus(client: RedisClient, options?: RedisBusOptions): Bus {
  checkOptions('redisBus', options, ['stream'])
  const stream = checkText('stream', options?.stream ?? 'rollcall', 255)
  const open = openerOf(client)
  if (open === null) throw new TypeError('redisBus takes a client of redis or ioredis, and none of a cluster')

  return {
    async connect({ message, closed }) {
      const [reader, writer] = [open(stream), open(stream)]
      const lost = Promise.race([reader.lost, writer.lost])
      let isOpen = true
      function close(): void {
        isOpen = false
        reader.destroy()
        writer.destroy()
      }
      async function listen(from: string): Promise<never> {
        for (let after = from; ;) {
          for (const { id, text } of await reader.read(after)) {
            after = id
            if (isOpen && text !== undefined) message(text)
          }
        }
      }
      try {
        // Not from `$`, the end at the time of the first read: something may be said before it.
        const from = await Promise.race([lost, begin(reader, writer)])
        void Promise.race([lost, listen(from)]).catch((reason: unknown) => {
          const wasOpen = isOpen
          close()
          if (wasOpen) closed(reason)
        })
      } catch (error) {
        close()
        throw error
      }
      return { send: (text) => writer.add(text), close: async () => close() }
    },
  }
}

async function begin(reader: StreamConnection, writer: StreamConnection): Promise<string> {
  await Promise.all([reader.connect(), writer.connect()])
  return writer.last()
}
