import { afterEach, vi } from 'vitest'
import { createSessionClient } from '../../src/client/index.js'
import type { ClientStorage, SessionClient, SessionClientOptions } from '../../src/client/types.js'

export type Answer = (request: Request) => Response | Promise<Response>

/** A page without a browser: what is sent is answered here. */
export interface FakePage {
  /** All requests so far, as `POST /auth/logout`. */
  readonly sent: readonly Request[]
  count(route: string): number
  open(options: SessionClientOptions): SessionClient
}

export const base = 'https://api.example.com'
const opened: SessionClient[] = []

afterEach(() => {
  for (const client of opened.splice(0)) client.close()
  vi.unstubAllGlobals()
  vi.useRealTimers()
})

/** @param answers by route; what is missing is a 404 */
export function openFakePage(answers: Record<string, Answer>): FakePage {
  const sent: Request[] = []
  const routeOf = ({ method, url }: Request): string => `${method} ${new URL(url).pathname}`
  vi.stubGlobal('fetch', async (input: Request, init?: RequestInit) => {
    const request = new Request(input, init)
    request.signal.throwIfAborted()
    sent.push(request)
    const answer = answers[routeOf(request)]
    const aborted = new Promise<never>((_, reject) => {
      request.signal.addEventListener('abort', () => reject(request.signal.reason as Error))
    })
    return Promise.race([answer ? answer(request) : json({ code: 'nowhere' }, 404), aborted])
  })
  return {
    sent,
    count: (route) => sent.filter((request) => routeOf(request) === route).length,
    open(options) {
      const client = createSessionClient({ baseUrl: base, ...options })
      opened.push(client)
      return client
    },
  }
}

export function json(body: unknown, status = 200, headers: Record<string, string> = {}): Response {
  return Response.json(body, { status, headers })
}

export const refusal = (code: string, status = 401): Response => json({ code, message: 'refused' }, status)

export function sessionOf(sid = 'sid-1', more: object = {}): object {
  const at = (minutes: number): string => new Date(Date.now() + minutes * 60_000).toISOString()
  const times = {
    authenticatedAt: at(0),
    expiresAt: at(10),
    idleExpiresAt: at(60),
    sessionExpiresAt: at(600),
    now: at(0),
  }
  return { userId: 'alice', sid, amr: null, acr: null, ...times, ...more }
}

export const pairOf = (number: number): object => ({
  accessToken: `access-${number}`,
  refreshToken: `refresh-${number}`,
})

export interface FakeStorage extends ClientStorage {
  readonly items: Map<string, string>
  /** Whether nothing can be written. */
  isFull: boolean
}

export function fakeStorage(): FakeStorage {
  const items = new Map<string, string>()
  return {
    items,
    isFull: false,
    getItem: (key) => items.get(key) ?? null,
    setItem(key, value) {
      if (this.isFull) throw new DOMException('full', 'QuotaExceededError')
      items.set(key, value)
    },
    removeItem: (key) => items.delete(key),
  }
}

/** Of the request, where it has one. */
export const bearerOf = (request: Request): string | null => request.headers.get('authorization')?.slice(7) ?? null

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** An event stream that stays open and says nothing after its first event. */
export function openStream(): Response {
  const text = `event: standing\ndata: ${JSON.stringify({})}\n\n`
  const body = new ReadableStream({ start: (controller) => controller.enqueue(new TextEncoder().encode(text)) })
  return new Response(body, { headers: { 'Content-Type': 'text/event-stream' } })
}
