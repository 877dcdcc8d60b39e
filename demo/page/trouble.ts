const outage = "We can't reach the session store just now. Nothing has been lost: try again in a moment."

const texts: Readonly<Record<string, string>> = {
  invalid_credentials: 'The username or the password is wrong.',
  store_unavailable: outage,
  store_behind: outage,
  key_unavailable: outage,
  user_suspended: 'This account is suspended: nobody can log in with it.',
  token_version_moved: 'This account was logged out everywhere a moment ago. Log in once more.',
  cross_site_request: 'This page may not log in here: open it by the very address that the demo printed.',
  cookies_blocked:
    'This browser keeps no cookies for this page, and so nobody stays logged in. Allow them; where the address is neither localhost nor 127.0.0.1, it takes https.',
  not_found: 'That device is gone already.',
}

/** What a refusal of the server says, for people. */
export async function explainResponse(response: Response): Promise<string> {
  const body = (await response.json().catch(() => ({}))) as { readonly code?: string; readonly message?: string }
  return explain(response.status, body.code, body.message)
}

/** What the client has thrown, for people. */
export function explainError(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { status, code } = error as { readonly status?: number; readonly code?: string }
  // `fetch` rejects with it where no answer came.
  if (error instanceof TypeError && status === undefined && /fetch|network|load/i.test(error.message))
    return "The server doesn't answer. Nothing has been lost: try again in a moment."
  return explain(status, code, code === undefined ? error.message : undefined)
}

function explain(status: number | undefined, code: string | undefined, message: string | undefined): string {
  if (code !== undefined && Object.hasOwn(texts, code)) return texts[code]!
  if (status === 503) return outage
  const what = code === undefined ? '' : ` (${code})`
  return message || `Something went wrong${what}. Try again in a moment.`
}
