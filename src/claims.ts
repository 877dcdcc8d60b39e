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
  // First, since it refuses what contains itself.
  const json = JSON.stringify(given)
  checkJson(given, 'claims')
  return JSON.parse(json) as Record<string, unknown>
}

/** What JSON would change on the way (a Date, a Map, NaN) is refused: `verify` gives back what the callback gave. */
function checkJson(value: unknown, path: string): void {
  if (value === null || value === undefined || ['string', 'boolean'].includes(typeof value)) return
  if (typeof value === 'number' && Number.isFinite(value)) return
  const isPlain =
    typeof value === 'object' && [Object.prototype, Array.prototype, null].includes(Object.getPrototypeOf(value))
  if (!isPlain)
    throw new TypeError(`${path} must be JSON: null, text, a finite number, a boolean, a list or a plain object`)
  for (const [name, member] of Object.entries(value)) checkJson(member, `${path}.${name}`)
}

/** The custom claims of a verified payload: everything that is not reserved. */
export function customClaims(payload: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(payload).filter(([name]) => !reserved.has(name)))
}
