import type { Context } from 'hono'
import { codes, isRollcallError } from 'rollcall'

type Status = 400 | 401 | 404 | 409 | 413 | 500 | 503

/** A refusal of the demo itself; those of the library are in its own table. */
export class Refusal extends Error {
  readonly status: Status
  readonly code: string
  /** RFC 6750 section 3.1 error; without one a 401 only asks for credentials. */
  readonly bearerError: 'invalid_request' | null

  constructor(status: Status, code: string, message: string, bearerError: 'invalid_request' | null = null) {
    super(message)
    this.status = status
    this.code = code
    this.bearerError = bearerError
  }
}

interface Answer {
  readonly status: Status
  readonly code: string
  readonly message: string
  readonly bearerError: string | null
}

/** The one place where errors become responses. Whatever is not known stays behind `internal`. */
export function answerError(error: unknown, c: Context, report: (error: unknown) => void): Response {
  const { status, code, message, bearerError } = toAnswer(error)
  // Anybody can make a text that names an unknown secret: no line of the log for each.
  if (status >= 500 && code !== 'key_unavailable') report(error)
  if (status === 503) c.header('Retry-After', '1')
  // RFC 9110 section 15.5.2: a 401 always carries a challenge.
  if (bearerError !== null) c.header('WWW-Authenticate', `Bearer error="${bearerError}"`)
  else if (status === 401) c.header('WWW-Authenticate', 'Bearer')
  return c.json({ code, message }, status)
}

function toAnswer(error: unknown): Answer {
  if (error instanceof Refusal) return error
  if (isRollcallError(error)) return { ...codes[error.code], code: error.code }
  return { status: 500, code: 'internal', message: 'Something went wrong here', bearerError: null }
}
