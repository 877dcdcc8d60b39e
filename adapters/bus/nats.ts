import { checkOptions, checkText } from '../../src/options.js'
import type { Bus } from '../../src/ports/bus.js'

/** A connection of `@nats-io/transport-node` 3 or of `nats` 2. Only what the bus uses of it. */
export interface NatsConnection {
  publish(subject: string, payload: Uint8Array): void
  subscribe(subject: string, options: { callback: (error: Error | null, message: NatsMessage) => void }): unknown
  flush(): Promise<void>
  status(): AsyncIterable<{ readonly type: string }>
}

export interface NatsMessage {
  readonly data: Uint8Array
}

export interface NatsBusOptions {
  /** The subject, the same in all processes: at most 255 characters, without wildcards. Default `'rollcall'`. */
  readonly subject?: string | undefined
}

/** What of a connection its type does not tell. */
interface Internals {
  isClosed?(): boolean
  readonly options?: { readonly noEcho?: boolean }
}

const over =
  'the connection to NATS is closed, and the bus deaf until this process is started anew: let it reconnect for ever, by maxReconnectAttempts: -1'

interface Subscription {
  unsubscribe(): void
}

interface Statuses extends AsyncIterable<{ readonly type: string }> {
  /** Without it they would be gathered for as long as the connection lives. */
  stop?(): void
}

/**
 * Wakes other processes by messages on one subject, over your app's connection, which stays yours to close. Give it a
 * connection that tries to reconnect for ever (`maxReconnectAttempts: -1`): after it was closed, the bus is deaf.
 * @throws TypeError unless it is a connection that hears what it sends (`noEcho` is not set)
 */
export function natsBus(connection: NatsConnection, options?: NatsBusOptions): Bus {
  checkOptions('natsBus', options, ['subject'])
  const subject = checkText('subject', options?.subject ?? 'rollcall', 255)
  if (/[\s*>]|^\.|\.\.|\.$/.test(subject)) throw new TypeError('subject must be one of NATS, without wildcards')
  if (typeof (connection as Partial<NatsConnection> | undefined)?.subscribe !== 'function')
    throw new TypeError('natsBus takes a connection of NATS')
  if ((connection as Internals).options?.noEcho === true)
    throw new TypeError('natsBus needs a connection without noEcho: it tests itself by what it hears of itself')

  return {
    async connect({ message, closed, signal }) {
      if ((connection as Internals).isClosed?.() === true) throw new Error(over)
      const [decoder, encoder] = [new TextDecoder(), new TextEncoder()]
      let isOpen = true
      /** Answers whether it was open. */
      function close(): boolean {
        const wasOpen = isOpen
        isOpen = false
        subscription.unsubscribe()
        statuses.stop?.()
        return wasOpen
      }
      function end(reason: unknown): void {
        if (close()) closed(reason)
      }
      const subscription = connection.subscribe(subject, {
        callback: (error, { data }) => (error === null ? message(decoder.decode(data)) : end(error)),
      }) as Subscription
      const statuses = connection.status() as Statuses
      signal.addEventListener('abort', close, { once: true })
      void watch(statuses).then(end, end)
      await connection.flush().catch((error: unknown) => {
        close()
        throw error
      })
      return {
        async send(text) {
          connection.publish(subject, encoder.encode(text))
          await connection.flush()
        },
        close: async () => void close(),
      }
    },
  }
}

/** The reason why messages may have been lost, once there is one: the connection makes itself anew and says nothing else. */
async function watch(statuses: Statuses): Promise<Error> {
  for await (const { type } of statuses) if (type === 'disconnect') return new Error('the connection to NATS was lost')
  return new Error(over)
}
