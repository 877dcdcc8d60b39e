import { codes, isRollcallError, type Code } from '../errors.js'
import { Refusal } from './refusal.js'

/** No cache keeps what is said of a session, and what is said depends on these. */
const uncached: Readonly<Record<string, string>> = {
  'Cache-Control': 'no-store',
  Vary: 'Authorization, Cookie, Origin, Sec-Fetch-Site',
}

/** An answer in JSON; without a body it is 204. */
export function answer(body: unknown, headers: Headers = new Headers()): Response {
  for (const [name, value] of Object.entries(uncached)) headers.set(name, value)
  if (body === undefined) return new Response(null, { status: 204, headers })
  headers.set('Content-Type', 'application/json')
  return new Response(JSON.stringify(body), { headers })
}

/**
 * The one place where errors become answers: status and challenge are the code table's. What is none of this library's
 * stays behind `internal`. `report` hears of whatever is answered with a 5xx.
 */
export function answerError(error: unknown, report: (error: unknown) => unknown): Response {
  // Another copy of the package may know more codes than this one.
  const code = isRollcallError(error) && Object.hasOwn(codes, error.code) ? error.code : 'internal'
  const { status, bearerError, message } = codes[code]
  // Anybody can make a text that names an unknown secret: no line of the log for each.
  if (status >= 500 && code !== 'key_unavailable') tell(report, error)
  const headers = new Headers({ ...uncached, 'Content-Type': 'application/json' })
  if (status === 503) headers.set('Retry-After', '1')
  // RFC 9110 section 15.5.2: a 401 always carries a challenge. RFC 6750 section 3.1: without credentials, it has no error.
  if (bearerError !== null) headers.set('WWW-Authenticate', `Bearer error="${bearerError}"`)
  else if (status === 401) headers.set('WWW-Authenticate', 'Bearer')
  if (error instanceof Refusal) {
    for (const [name, value] of Object.entries(error.headers)) headers.set(name, value)
    for (const line of error.cookies) headers.append('Set-Cookie', line)
  }
  return new Response(JSON.stringify({ ...oauthError(code), code, message }), { status, headers })
}

/** A report that fails must not become the answer; one that is async and fails would end the process. */
function tell(report: (error: unknown) => unknown, error: unknown): void {
  try {
    const told = report(error)
    if (told instanceof Promise) told.catch(() => {})
  } catch {
    // There is nobody else to tell.
  }
}

/** RFC 6749 section 5.2, which the routes of OAuth answer by. */
function oauthError(code: Code): { readonly error?: string } {
  return code === 'invalid_client' || code === 'invalid_request' ? { error: code } : {}
}
