/** A refusal of the server, or of this client: `cookies_blocked`. Network errors stay what `fetch` throws. */
export interface SessionClientError extends Error {
  /** As in the server's table of codes; `unknown` where the answer names none. */
  readonly code: string
  /** The HTTP status; 0 where the server did not answer so. */
  readonly status: number
}

export function createError(code: string, status: number): SessionClientError {
  return Object.assign(new Error(code), { code, status })
}

/** The code of a refusal, whose body stays unread; nothing where it names none. */
export async function codeOf(response: Response): Promise<string | undefined> {
  const body = await response
    .clone()
    .json()
    .catch(() => {})
  return body?.code
}

export async function toError(response: Response): Promise<SessionClientError> {
  return createError((await codeOf(response)) ?? 'unknown', response.status)
}

/** What a refresh may cure. */
export function isRefreshable(code: string | undefined): boolean {
  return /^token_(exp|inv)/.test(code!)
}

/**
 * The code of an answer to the very question, if it says that only a login helps. Whatever else of an app, or of a proxy,
 * is a 401 says nothing of the session.
 */
export async function finalCode(response: Response): Promise<string | false | undefined> {
  const code = await codeOf(response)
  return response.status === 401 && /^(token_m|session_|user_|refresh_)/.test(code!) && code
}
