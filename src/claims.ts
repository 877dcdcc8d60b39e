import type { Session } from './session.js'

/** What JSON can carry unchanged. */
export type JsonValue =
  | string
  | number
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [name: string]: JsonValue | undefined }

/** The constraint on custom claims: every member is JSON, so that `verify` gives back what `claims` gave. */
export type ClaimsShape<Claims> = { readonly [Name in keyof Claims]: JsonValue | undefined }

/** Called at every mint. Its result travels in the token, signed but readable by anyone who holds it. */
export type ClaimsCallback<Claims> = (context: {
  readonly userId: string
  readonly session: Session
}) => Claims | Promise<Claims>

/** Names the library or a standard gives a meaning that an app must not change. */
const reserved: ReadonlySet<string> = new Set(
  'iss sub aud exp nbf iat jti sid tokenVersion auth_time amr acr cnf act client_id __proto__'.split(' '),
)

/** @throws TypeError when the callback gives anything but a JSON object of unreserved names. */
export async function mintClaims<Claims>(
  callback: ClaimsCallback<Claims> | undefined,
  context: { readonly userId: string; readonly session: Session },
): Promise<Readonly<Record<string, unknown>>> {
  if (callback === undefined) return {}
  const given: unknown = await callback(context)
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    throw new TypeError('claims must return an object')
  for (const name of Object.keys(given)) {
    if (reserved.has(name)) throw new TypeError(`claims must not set the registered name '${name}'`)
  }
  return JSON.parse(JSON.stringify(given)) as Record<string, unknown>
}

/** The custom claims of a verified payload: everything that is not reserved. */
export function customClaims(payload: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(payload).filter(([name]) => !reserved.has(name)))
}
