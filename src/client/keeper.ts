import type { ClientStorage } from './types.js'

/** What requests are sent with. */
export interface Held {
  /** Another one for every pair, as far as a script can tell. */
  readonly id: string
  /** Of cookie mode, where the browser alone has it, a word in its place. */
  readonly accessToken: string
  readonly refreshToken?: string | null
}

type Pair = Partial<Pick<Held, 'accessToken' | 'refreshToken'>>

/** Keeps the credential, and the logouts that the server has yet to hear of. */
export interface Keeper {
  /** As it is now, whatever tab changed it last; `null`: this browser is logged out. */
  read(): Promise<Held | null>
  /** Sends the request with the credential, or with none. */
  send(request: Request, accessToken: string | undefined): Promise<Response>
  /** Takes the pair of a login (`null`), or of a refresh unless another was kept since. It is kept before it is used. */
  keep(pair: Pair, from: Held | null): Promise<void>
  /** Forgets it, unless another was kept since. `isPending`: the server is yet to hear of this logout. */
  drop(held: Held, isPending?: boolean): Promise<void>
  /** The access tokens that are to be logged out. */
  pending(): Promise<readonly string[]>
  /** The server has heard of it. */
  settle(accessToken: string): Promise<void>
  /** Another tab has changed it. */
  changed(): void
}

export function createKeeper(isCookie: boolean, storage: ClientStorage, key: string, cookieName: string): Keeper {
  const pendingKey = key + ':pending'
  const expiry = new RegExp(`${cookieName}-expiry=([^;]*)`)
  let generation = 0

  // What the storage would not take.
  let unsaved: readonly string[] = []

  const pending = async (): Promise<readonly string[]> =>
    unsaved[0] ? unsaved : ((await storage.getItem(pendingKey))?.split(' ') ?? [])

  async function setPending(tokens: readonly string[]): Promise<void> {
    unsaved = tokens
    try {
      await (tokens[0] ? storage.setItem(pendingKey, tokens.join(' ')) : storage.removeItem(pendingKey))
      unsaved = []
    } catch {
      // A storage that is full must not stand in a logout's way.
    }
  }

  async function read(): Promise<Held | null> {
    if (!isCookie) return parse(await storage.getItem(key))
    // The cookie beside the tokens tells when they expire, in seconds. What was heard tells two pairs of one second apart,
    // and all those of another host, whose cookie can't be read.
    const id = `${expiry.exec(globalThis.document?.cookie)?.[1]}${generation}`
    return (await pending())[0] ? null : { id, accessToken: 'cookie' }
  }

  return {
    read,
    pending,
    send(request, accessToken) {
      if (isCookie) {
        if (!/^(GET|HEAD)$/.test(request.method)) request.headers.set('X-Requested-With', 'fetch')
        return fetch(request, { credentials: accessToken ? 'include' : 'omit' })
      }
      if (accessToken) request.headers.set('Authorization', `Bearer ${accessToken}`)
      return fetch(request)
    },
    async keep({ accessToken, refreshToken }, from) {
      generation += 1
      if (isCookie) return from ? undefined : setPending([])
      if (!accessToken) throw new TypeError('no tokens')
      // An answer that was overtaken must neither replace a newer pair, nor bring back what was logged out.
      if (!from || (await read())?.refreshToken === from.refreshToken)
        await storage.setItem(key, JSON.stringify({ accessToken, refreshToken }))
      // A logout that came between has noted itself before it removed the pair.
      if (from && (await pending()).includes(from.accessToken)) await storage.removeItem(key)
    },
    async drop({ id, accessToken }, isPending) {
      // The access token alone: it logs out also when it has expired, and then does nothing else.
      if (isPending) await setPending([...(await pending()), accessToken])
      if (!isCookie && (isPending || (await read())?.id === id)) await storage.removeItem(key)
    },
    settle: async (accessToken) => setPending((await pending()).filter((token) => token !== accessToken)),
    changed: () => void (generation += 1),
  }
}

function parse(text: string | null | undefined): Held | null {
  try {
    return text ? { ...JSON.parse(text), id: text } : null
  } catch {
    return null
  }
}

/** Of cookie mode, for logouts, where the browser allows it; else in memory. */
export function openStorage(isCookie: boolean): ClientStorage {
  try {
    if (isCookie && globalThis.localStorage) return localStorage
  } catch {
    // The browser forbids it here.
  }
  const items = new Map<string, string>()
  return {
    getItem: (key) => items.get(key),
    setItem: (key, value) => items.set(key, value),
    removeItem: (key) => items.delete(key),
  }
}
