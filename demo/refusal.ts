import { codes, RollcallError } from 'rollcall'

/** The one refusal that is the demo's own: the library knows no passwords. */
export class WrongCredentials extends Error {}

/** What the parsers of Express and Fastify refuse with, in the words of the library; any other error as it is. */
export function translateError(error: unknown): unknown {
  const status = error instanceof Error && 'statusCode' in error ? Number(error.statusCode) : 500
  if (status === 413) return new RollcallError('request_too_large')
  if (status === 415) return new RollcallError('unsupported_media_type')
  return status < 500 ? new RollcallError('invalid_request') : error
}

export interface Answer {
  readonly status: 401 | 500
  readonly headers: Record<string, string>
  readonly body: { readonly code: string; readonly message: string }
}

/** The answer to what is none of the library's errors. Whatever is not known stays behind `internal`. */
export function answerOther(error: unknown, report: (error: unknown) => void): Answer {
  const headers = { 'Cache-Control': 'no-store' }
  if (error instanceof WrongCredentials) {
    const body = { code: 'invalid_credentials', message: 'The username or the password is wrong' }
    // RFC 9110 section 15.5.2: a 401 always carries a challenge.
    return { status: 401, headers: { ...headers, 'WWW-Authenticate': 'Bearer' }, body }
  }
  report(error)
  return { status: 500, headers, body: { code: 'internal', message: codes.internal.message } }
}
