import { once } from 'node:events'
import { Agent, request, type IncomingMessage } from 'node:http'

/** A client of an event stream that reads all it is told. */
export interface OpenStream {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  /** The next event, `null` at the end; comments and `retry` are left out. */
  next(): Promise<StreamEvent | null>
  /** All that was sent so far. */
  text(): string
  /** Hangs up. */
  leave(): void
}

export interface StreamEvent {
  readonly event: string
  // oxlint-disable-next-line typescript/no-explicit-any -- of a shape that the case knows
  readonly data: any
}

export async function openStream(url: string, headers: Readonly<Record<string, string>>): Promise<OpenStream> {
  // As a browser does, which keeps its connections for the next request.
  const sent = request(url, { headers, agent: new Agent({ keepAlive: true }) })
  sent.end()
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  response.setEncoding('utf8')
  let [text, read] = ['', 0]
  let isOver = false
  response.on('data', (chunk: string) => (text += chunk))
  response.on('error', () => {})
  response.on('close', () => (isOver = true))

  async function next(): Promise<StreamEvent | null> {
    for (;;) {
      const end = text.indexOf('\n\n', read)
      if (end !== -1) {
        const lines = text.slice(read, end).split('\n')
        read = end + 2
        const event = lines.find((line) => line.startsWith('event: '))?.slice(7)
        const data = lines.find((line) => line.startsWith('data: '))?.slice(6)
        if (event !== undefined) return { event, data: JSON.parse(data ?? 'null') }
        continue
      }
      if (isOver) return null
      await Promise.race([once(response, 'data'), once(response, 'close')])
    }
  }
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    next,
    text: () => text,
    leave: () => sent.destroy(),
  }
}
