/** A user id as the app has it. It always comes back as a string. */
export type UserId = string | number | bigint

const maximumBytes = 255
const encoder = new TextEncoder()
const sidPattern = /^[A-Za-z0-9_-]{1,64}$/

/**
 * The canonical form of a user id: 1 to 255 UTF-8 bytes, well-formed, no NUL. Ids are refused, never cleaned:
 * MySQL without strict mode cuts long ids silently, and two users would become one.
 * @throws TypeError for anything else, unsafe integers among it.
 */
export function canonicalUserId(value: UserId): string {
  const text = typeof value === 'bigint' || Number.isSafeInteger(value) ? String(value) : value
  if (!isUserId(text)) {
    const got = value === null ? 'null' : typeof value
    throw new TypeError(
      `userId must be a string of 1 to 255 UTF-8 bytes without NUL, a bigint or a safe integer; this ${got} is not`,
    )
  }
  return text
}

export function isUserId(value: unknown): value is string {
  return (
    typeof value === 'string' &&
    value.length > 0 &&
    value.length <= maximumBytes &&
    !value.includes('\0') &&
    value.isWellFormed() &&
    encoder.encode(value).length <= maximumBytes
  )
}

/** Whether a text can be a `sid` or `jti` at all; nothing else is worth a query. */
export function isTokenId(value: unknown): value is string {
  return typeof value === 'string' && sidPattern.test(value)
}

/** One text for both parts of a session's key, in maps; neither part can hold a NUL. */
export function nameOf({ userId, sid }: { readonly userId: string; readonly sid: string }): string {
  return `${sid}\0${userId}`
}

/** @throws TypeError when `sid` is not a string; a string of another form is simply an unknown session. */
export function checkSid(sid: string): void {
  if (typeof sid !== 'string') throw new TypeError('sid must be a string')
}
