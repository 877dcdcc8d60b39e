import { jitter, sleep } from './times.js'

/** @throws TypeError for another origin than the server's: it must not be sent the credential */
export function toRequest(baseUrl: string | URL, input: RequestInfo | URL, init?: RequestInit): Request {
  const base = new URL(baseUrl, globalThis.location?.href)
  const request = new Request(input instanceof Request ? input : new URL(input, base), init)
  if (new URL(request.url).origin !== base.origin) throw new TypeError('not the origin of baseUrl')
  return request
}

export function withJson(method: string, body?: object): RequestInit {
  return { method, ...(body && { body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } }) }
}

/** Of one device. */
export function pathOf(sid: string): string {
  return `sessions/${encodeURIComponent(sid)}`
}

/** Times as dates. */
// oxlint-disable-next-line typescript/no-explicit-any -- whoever asks knows what the server answers
export function readTimes(text: string): any {
  return text && JSON.parse(text, (key, value) => (/^now$|At$/.test(key) && value ? new Date(value) : value))
}

/** Asks three times, while there is no answer or a 503. What is lost on the way, the server gives again. */
export async function retry(ask: () => Promise<Response>): Promise<Response> {
  /** Seconds. */
  const longestWait = 5
  for (let left = 2; ; left -= 1) {
    let wait = 1
    try {
      const response = await ask()
      if (response.status !== 503 || !left) return response
      wait = Number(response.headers.get('Retry-After')) || wait
    } catch (error) {
      if (!left) throw error
    }
    await sleep(jitter(Math.min(wait, longestWait) * 1_000))
  }
}
