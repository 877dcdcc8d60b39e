import { isJson, type HttpRequest, type RequestHead } from './request.js'

/** What of Node's `IncomingMessage` is needed here. */
export interface NodeRequest {
  readonly method?: string | undefined
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  readonly rawHeaders: readonly string[]
  iterator(options: { readonly destroyOnReturn: boolean }): AsyncIterable<Uint8Array>
  resume(): unknown
}

/** What of Node's `ServerResponse` is needed here. */
export interface NodeResponse {
  statusCode: number
  shouldKeepAlive: boolean
  setHeader(name: string, value: string): unknown
  appendHeader(name: string, value: string): unknown
  flushHeaders(): void
  write(chunk: Uint8Array): boolean
  end(body?: string): unknown
  destroy(): unknown
  readonly destroyed: boolean
  once(name: 'close' | 'drain', listener: () => void): unknown
}

/** A request of Node for a guard. Nothing is copied: only what a guard asks for is looked up. */
export function headOf(request: NodeRequest, url: string): RequestHead {
  const { method = 'GET', headers } = request
  return {
    method,
    url,
    headers: {
      get(name) {
        // Node drops all but the first of two such headers, and a proxy may have believed the second.
        if (name === 'authorization') return joined(request.rawHeaders, name)
        // HTTP/2 has another name for it.
        return single(headers[name] ?? (name === 'host' ? headers[':authority'] : undefined))
      },
    },
  }
}

/**
 * The same with its body, which the app's own parser may have read before.
 * @param parsed what it made of it; `undefined` where none did
 */
export function nodeRequest(request: NodeRequest, url: string, parsed: unknown): HttpRequest {
  const head = headOf(request, url)
  return { ...head, body: parsed === undefined ? readBody(request) : writeBody(head, parsed) }
}

/** Sends an answer beside what other parts of the app have set: cookies of theirs, a `Vary`. */
export async function sendNode(response: Response, to: NodeResponse): Promise<void> {
  to.statusCode = response.status
  if (isStream(response)) to.shouldKeepAlive = false
  for (const [name, value] of response.headers) {
    if (name === 'set-cookie' || name === 'vary') to.appendHeader(name, value)
    else to.setHeader(name, value)
  }
  if (isStream(response)) return pump(response.body!, to)
  to.end(response.body === null ? undefined : await response.text())
}

/** Whether an answer comes bit by bit. Its connection is to end with it: a server that stops would wait for the next request. */
export function isStream({ headers, body }: Response): boolean {
  return body !== null && headers.get('content-type') === 'text/event-stream'
}

/** As fast as the client takes it. Whichever side ends it, the other one ends, too. */
async function pump(body: ReadableStream<Uint8Array>, to: NodeResponse): Promise<void> {
  const reader = body.getReader()
  const closed = new Promise<void>((resolve) => {
    // Whoever hung up while it was checked is not heard of again.
    if (to.destroyed) resolve()
    else to.once('close', resolve)
  })
  void closed.then(() => reader.cancel().catch(() => {}))
  to.flushHeaders()
  try {
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      if (to.write(part.value)) continue
      // What is broken off meanwhile rejects: a client that takes nothing gives no drain.
      await Promise.race([closed, reader.closed, new Promise<void>((resolve) => to.once('drain', resolve))])
    }
    to.end()
  } catch {
    to.destroy()
  }
}

function single(value: string | readonly string[] | undefined): string | null {
  return typeof value === 'string' ? value : (value?.join(', ') ?? null)
}

function joined(rawHeaders: readonly string[], wanted: string): string | null {
  let found: string | null = null
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]!
    if (name.length !== wanted.length || name.toLowerCase() !== wanted) continue
    found = found === null ? rawHeaders[at + 1]! : `${found}, ${rawHeaders[at + 1]!}`
  }
  return found
}

/** The rest of what is too large is read off and dropped, or the connection would never come to the next request. */
async function* readBody(request: NodeRequest): AsyncGenerator<Uint8Array, void> {
  try {
    yield* request.iterator({ destroyOnReturn: false })
  } finally {
    request.resume()
  }
}

/** Only when it is read, and so where what can't be written is refused: a parser lets through what has no text. */
function* writeBody(head: RequestHead, parsed: unknown): Generator<Uint8Array, void> {
  const text = textOf(head, parsed)
  yield typeof text === 'string' ? new TextEncoder().encode(text) : text
}

function textOf(head: RequestHead, parsed: unknown): string | Uint8Array {
  if (typeof parsed === 'string' || parsed instanceof Uint8Array) return parsed
  if (typeof parsed !== 'object' || parsed === null) return JSON.stringify(parsed)
  if (isJson(head)) return JSON.stringify(parsed)
  const fields = Object.entries(parsed).flatMap(([name, value]: [string, unknown]) =>
    (Array.isArray(value) ? (value as unknown[]) : [value]).map((entry) => [name, String(entry)]),
  )
  return new URLSearchParams(fields).toString()
}
