/** A client of the package `redis`. Only what the bus uses of it: none of its types, since your app may not have it. */
export interface NodeRedisClient {
  duplicate(): unknown
  unref(): void
  destroy(): void
}

/** A client of the package `ioredis`. */
export interface IoRedisClient {
  readonly isCluster: boolean
  duplicate(): unknown
  disconnect(): void
}

/** A connection of the bus, made by a copy of the app's client. */
export interface RedisConnection {
  connect(): Promise<void>
  /** Answers what Redis answers, by version 2 or 3 of its protocol. */
  command(words: readonly string[]): Promise<unknown>
  /** Rejects when the connection is lost: it makes no other by itself. */
  readonly lost: Promise<never>
  destroy(): void
}

/** How to open connections as this client does; `null` where it is none, or not one for one server. */
export function openerOf(client: unknown): (() => RedisConnection) | null {
  if (typeof client !== 'object' || client === null || !('duplicate' in client)) return null
  if ('isCluster' in client) {
    const { isCluster, options } = client as Partial<IoRedisCopy>
    return isCluster || options?.sentinels ? null : () => openIoRedis(client as unknown as IoRedisCopy)
  }
  // Clusters and Sentinels have no `unref`, version 4 has no `destroy`.
  const isOne = 'unref' in client && 'destroy' in client
  return isOne ? () => openNodeRedis(client as unknown as NodeRedisCopy) : null
}

interface NodeRedisCopy extends NodeRedisClient {
  readonly options?: { readonly socket?: object }
  duplicate(overrides?: object): NodeRedisCopy
  on(event: 'error', listener: (error: unknown) => void): void
  connect(): Promise<unknown>
  sendCommand(words: readonly string[]): Promise<unknown>
}

function openNodeRedis(client: NodeRedisCopy): RedisConnection {
  const copy = client.duplicate({
    // Reads wait for as long as nothing is said, and answers must be texts.
    commandOptions: { timeout: undefined },
    socket: { ...client.options?.socket, socketTimeout: undefined },
    pingInterval: undefined,
    // It would be emptied with this connection, and is the app's.
    clientSideCache: undefined,
  })
  return {
    lost: new Promise((_, reject) => copy.on('error', reject)),
    async connect() {
      await copy.connect()
      copy.unref()
    },
    command: (words) => copy.sendCommand(words),
    destroy() {
      try {
        copy.destroy()
      } catch {
        // It was not open any more.
      }
    },
  }
}

interface IoRedisCopy extends IoRedisClient {
  readonly options?: { readonly sentinels?: unknown }
  readonly stream: { unref(): void }
  duplicate(overrides?: object): IoRedisCopy
  on(event: 'error' | 'close', listener: (error?: unknown) => void): void
  connect(): Promise<unknown>
  call(...words: readonly string[]): Promise<unknown>
}

function openIoRedis(client: IoRedisCopy): RedisConnection {
  const copy = client.duplicate({
    lazyConnect: true,
    // Reads wait for as long as nothing is said.
    commandTimeout: undefined,
    blockingTimeout: undefined,
    socketTimeout: undefined,
    // It would ask for INFO, which the user of Redis need not be allowed.
    enableReadyCheck: false,
    // For so long a process that ends would wait for it.
    disconnectTimeout: 10,
  })
  return {
    lost: new Promise((_, reject) => {
      copy.on('error', reject)
      copy.on('close', () => reject(new Error('the connection of the bus to Redis ended')))
    }),
    async connect() {
      await copy.connect()
      copy.stream.unref()
    },
    command: (words) => copy.call(...words),
    destroy: () => copy.disconnect(),
  }
}
