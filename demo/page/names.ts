import { client } from './client.js'

/** What devices were last called, also those that are gone. */
const names = new Map<string, string>()

export function rememberNames(found: Iterable<readonly [sid: string, name: string | null]>): void {
  for (const [sid, name] of found) if (name !== null) names.set(sid, name)
}

export function forgetNames(): void {
  names.clear()
}

/** A name in a sentence: a long one is cut. */
export function quoteName(name: string): string {
  const letters = Array.from(name)
  return letters.length > 40 ? `“${letters.slice(0, 38).join('')}…”` : `“${name}”`
}

/** A device as a sentence names it: `this device`, its name in quotes, or what is said of one that is not known. */
export function nameDevice(sid: string | null, otherwise: string): string {
  if (sid === null) return otherwise
  if (sid === client.session?.sid) return 'this device'
  const name = names.get(sid)
  return name === undefined ? otherwise : quoteName(name)
}
