/** What of a request decides whether it is let in. A Fetch `Request` is one. */
export interface RequestHead {
  readonly method: string
  /** Absolute, or from its path on. */
  readonly url: string
  readonly headers: { get(name: string): string | null }
}

/** The same with its body. A Fetch `Request` is one. */
export interface HttpRequest extends RequestHead {
  readonly body: AsyncIterable<Uint8Array> | Iterable<Uint8Array> | null
}

/** What a request does not tell of itself. */
export interface ClientInfo {
  /** The client's address, as far as the server trusts who tells it. */
  readonly ip?: string | undefined
}

/** The path as it was sent: what is decoded first and compared then lets others in than what is compared first. */
export function pathOf({ url }: RequestHead): string {
  return /^(?:[a-z][a-z\d+.-]*:\/\/[^/?#]*)?([^?#]*)/i.exec(url)![1]!
}

export function queryOf({ url }: RequestHead): URLSearchParams {
  return new URLSearchParams(/\?([^#]*)/.exec(url)?.[1] ?? '')
}

/** The host that the client named, with its port. */
export function hostOf({ url, headers }: RequestHead): string | null {
  return headers.get('host') ?? /^[a-z]+:\/\/([^/?#]+)/i.exec(url)?.[1] ?? null
}

const json = /^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i

export function isJson({ headers }: RequestHead): boolean {
  return json.test(headers.get('content-type') ?? '')
}
