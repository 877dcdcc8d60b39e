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

/** What the callback is told of the login it is asked for. */
export interface ClaimsContext<Transaction> {
  readonly userId: string
  readonly session: Session
  /** The caller's transaction, where `create` was given one: query on it, since a pool of one has no other connection. */
  readonly transaction: Transaction | undefined
}

/** Called at every mint. Its result travels in the token, signed but readable by anyone who holds it. */
export type ClaimsCallback<Claims, Transaction = never> = (
  context: ClaimsContext<Transaction>,
) => Claims | Promise<Claims>

/** Names the library or a standard gives a meaning that an app must not change. */
const reserved: ReadonlySet<string> = new Set(
  'iss sub aud exp nbf iat jti sid tokenVersion auth_time amr acr cnf act client_id __proto__'.split(' '),
)

/** @throws TypeError when the callback gives anything but a JSON object of unreserved names. */
export async function mintClaims<Claims, Transaction>(
  callback: ClaimsCallback<Claims, Transaction> | undefined,
  context: ClaimsContext<Transaction>,
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
