/** A client of the package `redis`. Only what the bus uses of it: none of its types, since your app may not have it. */
export interface NodeRedisClient {
  readonly isReady: boolean
  duplicate(): unknown
  unref(): void
}

/** A client of the package `ioredis`. */
export interface IoRedisClient {
  readonly status: string
  readonly isCluster: boolean
  duplicate(): unknown
}

/** A connection of the bus to one stream, made by a copy of the app's client. */
export interface StreamConnection {
  connect(): Promise<void>
  /** The id of the last message, as far as there is one. */
  last(): Promise<string>
  /** Waits until there are messages after this id. */
  read(after: string): Promise<readonly StreamMessage[]>
  add(text: string): Promise<void>
  /** Rejects when the connection is lost: it makes no other by itself. */
  readonly lost: Promise<never>
  destroy(): void
}

interface StreamMessage {
  readonly id: string
  readonly text: string | undefined
}

export type OpenStream = (stream: string) => StreamConnection

/** How to open a stream with this client; `null` where it is none, or one of a cluster. */
export function openerOf(client: unknown): OpenStream | null {
  if (typeof client !== 'object' || client === null) return null
  if (!('duplicate' in client)) return null
  if ('isCluster' in client) return client.isCluster === false ? openIoRedis(client as unknown as IoRedisCopy) : null
  return 'isReady' in client && 'unref' in client ? openNodeRedis(client as unknown as NodeRedisCopy) : null
}

/** Of the one field of a message. What others add with other names costs a look as well. */
const field = 'm'
const kept = 1_000
const atOnce = 100
/** Of an empty stream. */
const beginning = '0-0'

interface NodeRedisMessage {
  readonly id: string
  readonly message: Readonly<Record<string, string>>
}

interface NodeRedisCopy {
  duplicate(overrides: object): NodeRedisCopy
  on(event: 'error', listener: (error: unknown) => void): void
  unref(): void
  connect(): Promise<unknown>
  destroy(): void
  xRevRange(stream: string, start: string, end: string, options: { COUNT: number }): Promise<NodeRedisMessage[]>
  xRead(
    stream: { key: string; id: string },
    options: { BLOCK: number; COUNT: number },
  ): Promise<{ messages: NodeRedisMessage[] }[] | null>
  xAdd(stream: string, id: string, message: Readonly<Record<string, string>>, options: object): Promise<unknown>
}

const openNodeRedis =
  (client: NodeRedisCopy): OpenStream =>
  (key) => {
    // Reads wait for as long as nothing is said, answers must be texts, and the app's cache is not to be emptied with us.
    const copy = client.duplicate({ commandOptions: { timeout: undefined }, clientSideCache: undefined })
    const lost = new Promise<never>((_, reject) => copy.on('error', reject))
    return {
      lost,
      async connect() {
        await copy.connect()
        copy.unref()
      },
      async last() {
        const [entry] = await copy.xRevRange(key, '+', '-', { COUNT: 1 })
        return entry?.id ?? beginning
      },
      async read(after) {
        const [answer] = (await copy.xRead({ key, id: after }, { BLOCK: 0, COUNT: atOnce })) ?? []
        return answer?.messages.map(({ id, message }) => ({ id, text: Object.values(message)[0] })) ?? []
      },
      async add(text) {
        const TRIM = { strategy: 'MAXLEN', strategyModifier: '~', threshold: kept }
        await copy.xAdd(key, '*', { [field]: text }, { TRIM })
      },
      destroy() {
        try {
          copy.destroy()
        } catch {
          // It was not open any more.
        }
      },
    }
  }

type IoRedisMessage = readonly [id: string, fields: readonly string[]]

interface IoRedisCopy {
  readonly stream: { unref(): void }
  duplicate(overrides: object): IoRedisCopy
  on(event: 'error' | 'close', listener: (error?: unknown) => void): void
  connect(): Promise<unknown>
  disconnect(): void
  xrevrange(stream: string, end: string, start: string, count: 'COUNT', limit: number): Promise<IoRedisMessage[]>
  xread(...command: readonly (string | number)[]): Promise<readonly (readonly [string, IoRedisMessage[]])[] | null>
  xadd(stream: string, ...command: readonly (string | number)[]): Promise<unknown>
}

const openIoRedis =
  (client: IoRedisCopy): OpenStream =>
  (key) => {
    const copy = client.duplicate({
      lazyConnect: true,
      replyMapping: undefined,
      // Reads wait for as long as nothing is said.
      commandTimeout: undefined,
      blockingTimeout: undefined,
      socketTimeout: undefined,
    })
    const lost = new Promise<never>((_, reject) => {
      copy.on('error', reject)
      copy.on('close', () => reject(new Error('the connection of the bus to Redis ended')))
    })
    return {
      lost,
      async connect() {
        await copy.connect()
        copy.stream.unref()
      },
      async last() {
        const [entry] = await copy.xrevrange(key, '+', '-', 'COUNT', 1)
        return entry?.[0] ?? beginning
      },
      async read(after) {
        const [answer] = (await copy.xread('COUNT', atOnce, 'BLOCK', 0, 'STREAMS', key, after)) ?? []
        return answer?.[1].map(([id, fields]) => ({ id, text: fields[1] })) ?? []
      },
      async add(text) {
        await copy.xadd(key, 'MAXLEN', '~', kept, '*', field, text)
      },
      destroy: () => copy.disconnect(),
    }
  }
