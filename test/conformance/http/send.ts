import { once } from 'node:events'
import { request, type IncomingMessage } from 'node:http'
import { parseSetCookie, type SetCookie } from 'cookie'

/** A request as it is sent, header lines in their order and as often as they are given. */
export interface Call {
  /** `GET /guarded`. */
  readonly route: string
  readonly token?: string | undefined
  readonly headers?: readonly (readonly [name: string, value: string])[]
  readonly cookies?: string | undefined
  /** An object is sent as JSON, a text as it is. */
  readonly body?: object | string | undefined
}

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly cookies: readonly SetCookie[]
  readonly text: string
  // oxlint-disable-next-line typescript/no-explicit-any -- of a shape that the case knows
  readonly json: any
  /** `401 session_ended`, `200`: the status, and the code of a refusal behind it. */
  readonly summary: string
}

/** What a browser sends along when a page of this server calls it. */
export const samePage: readonly (readonly [string, string])[] = [
  ['Sec-Fetch-Site', 'same-origin'],
  ['X-Requested-With', 'fetch'],
]

export async function send(base: string, { route, token, headers = [], cookies, body }: Call): Promise<Answer> {
  const [method = '', path = ''] = route.split(' ')
  const { host, hostname, port } = new URL(base)
  const given = new Set(headers.map(([name]) => name.toLowerCase()))
  const text = typeof body === 'object' ? JSON.stringify(body) : body
  const lines: (readonly [string, string])[] = [
    ['Host', host],
    ...headers,
    ...(token === undefined ? [] : [['Authorization', `Bearer ${token}`] as const]),
    ...(cookies === undefined ? [] : [['Cookie', cookies] as const]),
    ...(typeof body === 'object' && !given.has('content-type') ? [['Content-Type', 'application/json'] as const] : []),
    ...(method === 'GET' || given.has('content-length')
      ? []
      : [['Content-Length', String(new TextEncoder().encode(text ?? '').length)] as const]),
  ]
  const sent = request({ hostname, port, method, path, headers: lines.flat(), agent: false, setHost: false })
  sent.end(text)
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  return read(response)
}

async function read(response: IncomingMessage): Promise<Answer> {
  let text = ''
  response.setEncoding('utf8')
  for await (const chunk of response) text += chunk as string
  const type = response.headers['content-type'] ?? ''
  // oxlint-disable-next-line typescript/no-explicit-any -- of a shape that the case knows
  const json: any = type.startsWith('application/json') ? JSON.parse(text || 'null') : undefined
  const status = response.statusCode ?? 0
  return {
    status,
    headers: Object.fromEntries(
      Object.entries(response.headersDistinct).map(([name, values = []]) => [name, values.join(', ')]),
    ),
    cookies: (response.headers['set-cookie'] ?? []).map((line) => parseSetCookie(line)),
    text,
    json,
    summary: json?.code === undefined ? String(status) : `${status} ${json.code}`,
  }
}

/** The cookies of an answer as a browser sends them to this path. */
export function cookiesFor(path: string, cookies: readonly SetCookie[]): string {
  return cookies
    .filter(
      ({ path: scope = '/', maxAge }) =>
        maxAge !== 0 && (scope === '/' || path === scope || path.startsWith(`${scope}/`)),
    )
    .map(({ name, value }) => `${name}=${value}`)
    .join('; ')
}
