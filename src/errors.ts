/**
 * What a client does about a refusal. `step up`: log in once more, newer or stronger, and keep the tokens until then.
 * `caller`: nothing, since the program that called must act.
 */
export type ClientAction = 'log in' | 'refresh' | 'step up' | 'retry' | 'caller'

/** Every code an operation of this library can be refused with. Those after `internal` are of HTTP alone. */
export type Code =
  | 'token_malformed'
  | 'token_invalid'
  | 'token_expired'
  | 'session_ended'
  | 'session_expired'
  | 'user_suspended'
  | 'refresh_token_invalid'
  | 'refresh_token_reused'
  | 'store_unavailable'
  | 'store_behind'
  | 'key_unavailable'
  | 'token_version_moved'
  | 'transaction_conflict'
  | 'store_not_migrated'
  | 'insufficient_user_authentication'
  | 'internal'
  | 'token_missing'
  | 'invalid_request'
  | 'invalid_client'
  | 'cross_site_request'
  | 'not_found'
  | 'method_not_allowed'
  | 'request_too_large'
  | 'unsupported_media_type'

/** One row of the code table. */
export interface CodeEntry {
  /** HTTP status of a refusal with this code. */
  readonly status: 400 | 401 | 403 | 404 | 405 | 409 | 413 | 415 | 500 | 503
  /** The error of the `WWW-Authenticate` challenge (RFC 6750 section 3.1, RFC 9470 section 3), where one applies. */
  readonly bearerError: 'invalid_token' | 'invalid_request' | 'insufficient_user_authentication' | null
  readonly client: ClientAction
  /** The fixed message. It never holds a token, a `jti` or a claim. */
  readonly message: string
}

const refusal = { status: 401, bearerError: 'invalid_token' } as const
const trouble = { status: 503, bearerError: null, client: 'retry' } as const
const mistake = { bearerError: null, client: 'caller' } as const

/**
 * The one table of codes: what each means over HTTP and what the client does about it.
 * Codes are the contract; messages may change. `docs/errors.md` is generated from it.
 */
export const codes: Readonly<Record<Code, CodeEntry>> = {
  token_malformed: {
    ...refusal,
    client: 'log in',
    message: 'The token is not a well-formed JWT of this library',
  },
  // A signing key that was taken out ends access tokens, and no session.
  token_invalid: {
    ...refusal,
    client: 'refresh',
    message: 'The token was not issued by these keys for this issuer and audience',
  },
  token_expired: {
    ...refusal,
    client: 'refresh',
    message: 'The access token has expired or was replaced by a refresh',
  },
  session_ended: {
    ...refusal,
    client: 'log in',
    message: 'The session was ended or never existed',
  },
  session_expired: {
    ...refusal,
    client: 'log in',
    message: 'The session reached its idle or absolute lifetime',
  },
  user_suspended: {
    ...refusal,
    client: 'log in',
    message: 'The user is suspended',
  },
  refresh_token_invalid: {
    ...refusal,
    client: 'log in',
    message: 'The refresh token was not issued by these secrets for this issuer',
  },
  refresh_token_reused: {
    ...refusal,
    client: 'log in',
    message: 'A spent refresh token was shown again, and its session was ended',
  },
  store_unavailable: {
    ...trouble,
    message: 'The session store could not be asked',
  },
  store_behind: {
    ...trouble,
    message: 'The session store is behind what was already seen',
  },
  key_unavailable: {
    ...trouble,
    message: 'The key this token needs is not loaded',
  },
  token_version_moved: {
    status: 409,
    bearerError: null,
    client: 'caller',
    message: 'The token version changed since it was read: check the credentials again',
  },
  transaction_conflict: {
    status: 503,
    bearerError: null,
    client: 'caller',
    message: 'The transaction conflicted with another: roll back and run it again',
  },
  store_not_migrated: {
    status: 503,
    bearerError: null,
    client: 'caller',
    message:
      "The session tables are missing or old: run migrate(knex) from 'rollcall/migrations' (a schema it is given must exist)",
  },
  insufficient_user_authentication: {
    status: 401,
    bearerError: 'insufficient_user_authentication',
    client: 'step up',
    message: 'This needs a login that is newer or stronger than the one of this session',
  },
  internal: {
    ...mistake,
    status: 500,
    message: 'Something went wrong here',
  },
  token_missing: {
    status: 401,
    bearerError: null,
    client: 'log in',
    message: 'This needs the token of a session',
  },
  invalid_request: {
    ...mistake,
    status: 400,
    bearerError: 'invalid_request',
    message: 'The request is malformed',
  },
  invalid_client: {
    ...mistake,
    status: 401,
    message: 'This needs the id and the secret of a client, by HTTP Basic authentication',
  },
  cross_site_request: {
    ...mistake,
    status: 403,
    message:
      'A request with cookies that changes something needs an Origin or Sec-Fetch-Site of this site, and to be JSON or to have X-Requested-With',
  },
  not_found: {
    ...mistake,
    status: 404,
    message: 'There is no such route or session here',
  },
  method_not_allowed: {
    ...mistake,
    status: 405,
    message: 'This route has no such method',
  },
  request_too_large: {
    ...mistake,
    status: 413,
    message: 'The body must not exceed 16 KB',
  },
  unsupported_media_type: {
    ...mistake,
    status: 415,
    message: 'The body needs another Content-Type: application/json, or at the routes of OAuth that of a form',
  },
}

const brand = Symbol.for('rollcall.error')

/**
 * The one error class of this library: switch on `code`. Mistakes of the caller (wrong types, unknown options)
 * are plain `TypeError`s instead.
 */
export class RollcallError extends Error {
  readonly code: Code
  /** The HTTP status of the code table. */
  readonly status: CodeEntry['status']

  constructor(code: Code, options?: { readonly cause?: unknown }) {
    super(codes[code].message, options)
    this.code = code
    this.status = codes[code].status
    Object.defineProperty(this, brand, { value: true })
  }

  override get name(): string {
    return 'RollcallError'
  }
}

/** Tells a refusal or fault of this library from any other error, also across two loaded copies of the package. */
export function isRollcallError(error: unknown): error is RollcallError {
  return error instanceof Error && brand in error
}
