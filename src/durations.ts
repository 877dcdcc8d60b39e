type Unit = 'ms' | 's' | 'm' | 'h' | 'd'

/** A span of time: a number of milliseconds, or text such as `'30s'`, `'10m'`, `'12h'`, `'30d'`. */
export type Duration = number | `${number}${Unit}`

const milliseconds: Readonly<Record<Unit, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }
const pattern = /^(\d{1,15})(ms|s|m|h|d)$/

/** @throws TypeError unless the value is a duration of whole milliseconds between `minimum` and `maximum`. */
export function toMilliseconds(value: Duration, name: string, minimum: Duration, maximum: Duration): number {
  const ms = parse(value)
  if (ms === null || ms < parse(minimum)! || ms > parse(maximum)!) {
    throw new TypeError(
      `${name} must be from ${minimum} to ${maximum}: milliseconds, or a whole number and ms, s, m, h or d, such as '10m'`,
    )
  }
  return ms
}

function parse(value: unknown): number | null {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? value : null
  const match = typeof value === 'string' ? pattern.exec(value) : null
  return match ? Number(match[1]) * milliseconds[match[2] as Unit] : null
}
