/** An error and what it comes from, in one line. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  // Some drivers leave the message empty and say it all with the code.
  const code = 'code' in error ? String(error.code) : error.name
  const text = (error.message || code).replaceAll(/\s+/g, ' ')
  return error.cause === undefined ? text : `${text}: ${describeError(error.cause)}`
}
