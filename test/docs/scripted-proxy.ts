import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

/** No answer at all, one that never comes, or one in place of the server's. */
export type Scripted =
  | 'cut'
  | 'hang'
  | { readonly status: number; readonly body: string; readonly headers?: Readonly<Record<string, string>> }

export interface SeenRequest {
  /** `POST /auth/refresh`. */
  readonly route: string
  readonly authorization: string | null
  readonly contentType: string | null
  readonly body: string
}

/** Stands before a server and answers in its place what a test says. */
export interface ScriptedProxy {
  readonly url: string
  /** The requests so far, oldest first. */
  readonly seen: readonly SeenRequest[]
  /** The next answers of this route; after them, the server's own. */
  answer(route: string, ...answers: readonly Scripted[]): void
  /** Runs before the server's next answer to this route is passed on. */
  beforeAnswer(route: string, run: () => Promise<void> | void): void
  close(): Promise<void>
}

export async function startScriptedProxy(target: string): Promise<ScriptedProxy> {
  const seen: SeenRequest[] = []
  const scripts = new Map<string, Scripted[]>()
  const hooks = new Map<string, () => Promise<void> | void>()

  async function forward({ route, authorization, contentType, body }: SeenRequest): Promise<Exclude<Scripted, string>> {
    const [method = '', path = ''] = route.split(' ')
    const headers = {
      ...(authorization !== null && { authorization }),
      ...(contentType !== null && { 'content-type': contentType }),
    }
    const response = await fetch(target + path, { method, headers, ...(body !== '' && { body }) })
    const answer = { status: response.status, body: await response.text() }
    await hooks.get(route)?.()
    return answer
  }

  const server = createServer(async (incoming, outgoing) => {
    const request = await read(incoming)
    seen.push(request)
    const answer = scripts.get(request.route)?.shift() ?? (await forward(request))
    if (answer === 'hang') return
    if (answer === 'cut') outgoing.destroy()
    else outgoing.writeHead(answer.status, answer.headers).end(answer.status === 204 ? undefined : answer.body)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    answer: (route, ...answers) => void scripts.set(route, [...answers]),
    beforeAnswer: (route, run) => void hooks.set(route, run),
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

async function read(request: IncomingMessage): Promise<SeenRequest> {
  const { method, url, headers } = request
  return {
    route: `${method} ${url}`,
    authorization: headers.authorization ?? null,
    contentType: headers['content-type'] ?? null,
    body: await text(request),
  }
}
