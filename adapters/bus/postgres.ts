import type { Knex } from 'knex'
import { checkOptions, checkText } from '../../src/options.js'
import type { Bus } from '../../src/ports/bus.js'

export interface PostgresBusOptions {
  /** The channel of LISTEN and NOTIFY, the same in all processes: at most 63 bytes. Default `'rollcall'`. */
  readonly channel?: string | undefined
}

/** What this file uses of a `pg` client. */
interface PostgresClient {
  connect(): Promise<unknown>
  query(sql: string, values?: readonly string[]): Promise<{ rows: readonly { pid?: unknown }[] }>
  /** As the server, or whoever answered for it, said at the beginning. */
  readonly processID: unknown
  on(event: 'notification', listener: (message: { channel: string; payload?: string }) => void): void
  on(event: 'error' | 'end', listener: (error?: unknown) => void): void
  connection: { stream: { setKeepAlive(isOn: boolean, delay: number): void; unref(): void; destroy(): void } }
}

interface KnexClient {
  readonly driverName: string
  readonly driver: { readonly Client: new (settings: object) => PostgresClient }
  /** Absent while `connection` is a function, until it was called. */
  readonly connectionSettings?: object
  readonly connectionConfigProvider?: () => object | Promise<object>
  readonly config: { readonly connectionPool?: unknown }
}

const pooled =
  'the connection of the bus leads through a pooler, which may give it to others between two statements: give postgresBus a ' +
  'Knex instance that connects to Postgres itself'

/**
 * Wakes other processes by LISTEN and NOTIFY, on a connection beside the pool of your Knex instance, made with its settings.
 * It must lead to Postgres itself: behind a pooler it is refused, since one in transaction mode would lose messages.
 * @throws TypeError unless it is a Knex instance of the driver `pg`
 */
export function postgresBus(knex: Knex, options?: PostgresBusOptions): Bus {
  checkOptions('postgresBus', options, ['channel'])
  const channel = checkText('channel', options?.channel ?? 'rollcall', 63)
  if (Buffer.byteLength(channel) > 63) throw new TypeError('channel must have at most 63 bytes')
  const client = (knex as Knex | undefined)?.client as KnexClient | undefined
  if (typeof knex !== 'function' || client?.driverName !== 'pg')
    throw new TypeError('postgresBus takes your Knex instance of Postgres')
  if (client.config.connectionPool !== undefined)
    throw new TypeError('postgresBus needs to know how to connect: give it a Knex instance without connectionPool')

  return {
    async connect({ message, closed, signal }) {
      // As Knex makes one for its pool; a password that expires is asked for anew.
      const settings = (await client.connectionConfigProvider?.()) ?? client.connectionSettings ?? {}
      signal.throwIfAborted()
      const connection = new client.driver.Client({ fallback_application_name: 'rollcall bus', ...settings })
      let isOpen = true
      /** Answers whether it was open. */
      const destroy = (): boolean => {
        const wasOpen = isOpen
        isOpen = false
        connection.connection.stream.destroy()
        return wasOpen
      }
      const end = (reason: unknown): void => {
        if (destroy()) closed(reason)
      }
      connection.on('error', end)
      connection.on('end', () => end(new Error('the connection of the bus ended')))
      connection.on('notification', ({ channel: from, payload }) => {
        if (from === channel && payload !== undefined) message(payload)
      })
      signal.addEventListener('abort', destroy, { once: true })
      try {
        await connection.connect()
        const { stream } = connection.connection
        stream.setKeepAlive(true, 10_000)
        stream.unref()
        const { rows } = await connection.query('select pg_backend_pid() as pid')
        if (Number(rows[0]?.pid) !== connection.processID) throw new Error(pooled)
        await connection.query(`listen "${channel.replaceAll('"', '""')}"`)
      } catch (error) {
        destroy()
        throw error
      }
      return {
        async send(text) {
          await connection.query('select pg_notify($1, $2)', [channel, text])
        },
        async close() {
          destroy()
        },
      }
    },
  }
}
