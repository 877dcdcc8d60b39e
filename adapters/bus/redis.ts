import { checkOptions, checkText } from '../../src/options.js'
import type { Bus } from '../../src/ports/bus.js'
import { openerOf, type IoRedisClient, type NodeRedisClient, type RedisConnection } from './redis-clients.js'

/** A client of the package `redis` or `ioredis`, version 5 or newer, for one server. */
export type RedisClient = NodeRedisClient | IoRedisClient

export interface RedisBusOptions {
  /** The key of the stream, the same in all processes: at most 255 characters. Default `'rollcall'`. */
  readonly stream?: string | undefined
}

/** How many messages are kept, about: for readers that were between two reads. */
const kept = '1000'

/**
 * Wakes other processes through a stream of Redis 6.2 or newer, or of Valkey. Your client is only copied: the bus has two
 * connections of its own with your client's settings, one that waits for messages and one that sends them. The stream keeps
 * about 1,000 messages; the user of Redis needs `+xadd +xread +xrevrange` on its key.
 *
 * A stream and not Pub/Sub, which delivers at most once
 * (<https://redis.io/docs/latest/develop/pubsub/#delivery-semantics>).
 * @throws TypeError unless it is such a client; those of a cluster or of Sentinels are not
 */
export function redisBus(client: RedisClient, options?: RedisBusOptions): Bus {
  checkOptions('redisBus', options, ['stream'])
  const stream = checkText('stream', options?.stream ?? 'rollcall', 255)
  const open = openerOf(client)
  if (open === null) throw new TypeError('redisBus takes a client of redis or ioredis, for one server')

  return {
    async connect({ message, closed, signal }) {
      const [reader, writer] = [open(), open()]
      const lost = Promise.race([reader.lost, writer.lost])
      let isOpen = true
      function close(): void {
        isOpen = false
        reader.destroy()
        writer.destroy()
      }
      signal.addEventListener('abort', close, { once: true })
      async function listen(from: string): Promise<never> {
        for (let after = from; ;) {
          for (const { id, text } of await readAfter(reader, stream, after)) {
            after = id
            if (isOpen) message(text)
          }
        }
      }
      try {
        const from = await Promise.race([lost, begin(reader, writer, stream)])
        void Promise.race([lost, listen(from)]).catch((reason: unknown) => {
          const wasOpen = isOpen
          close()
          if (wasOpen) closed(reason)
        })
      } catch (error) {
        close()
        throw error
      }
      return {
        async send(text) {
          await writer.command(['XADD', stream, 'MAXLEN', '~', kept, '*', 'm', text])
        },
        close: async () => close(),
      }
    },
  }
}

/** Answers from where to read: not `$`, the end when the first read begins, since something may be said before it. */
async function begin(reader: RedisConnection, writer: RedisConnection, stream: string): Promise<string> {
  await Promise.all([reader.connect(), writer.connect()])
  const [last] = toMessages(await writer.command(['XREVRANGE', stream, '+', '-', 'COUNT', '1']))
  return last?.id ?? '0-0'
}

interface Message {
  readonly id: string
  readonly text: string
}

/** Waits until there are messages. */
async function readAfter(connection: RedisConnection, stream: string, after: string): Promise<Message[]> {
  const answer = await connection.command(['XREAD', 'COUNT', '100', 'BLOCK', '0', 'STREAMS', stream, after])
  return toMessages(messagesOf(answer))
}

/** Of the one stream in the answer: a list of pairs, by the newer protocol a map, or that map as a list. */
function messagesOf(answer: unknown): unknown {
  if (answer instanceof Map) return [...answer.values()][0]
  if (!Array.isArray(answer)) return Object.values(answer ?? {})[0]
  const [first, second] = answer as [unknown, unknown]
  return Array.isArray(first) ? (first[1] as unknown) : second
}

function toMessages(entries: unknown): Message[] {
  return ((entries ?? []) as [string, string[]][]).map(([id, [, text = '']]) => ({ id, text }))
}
