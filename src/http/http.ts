import { systemRandom } from '../ports/random.js'
import type { Sessions } from '../sessions.js'
import { createCookies, type Cookies } from './cookies.js'
import { createEventStreams, type EventStreams } from './event-streams.js'
import { readHttpSettings, type HttpOptions, type HttpSettings } from './settings.js'

/** What every part works with. */
export interface Http<Claims> {
  readonly sessions: Sessions<Claims>
  readonly settings: HttpSettings
  readonly cookies: Cookies
  /** Whether there are refresh tokens. */
  readonly refreshes: boolean
  readonly streams: EventStreams
}

/** @throws TypeError for an option that is unknown or of a wrong type */
export function createHttp<Claims>(sessions: Sessions<Claims>, options: HttpOptions | undefined): Http<Claims> {
  if (typeof sessions?.verify !== 'function') throw new TypeError('sessions must be what createSessions returned')
  const settings = readHttpSettings(options)
  const refreshes = sessions.status().lifetimes.accessToken !== null
  const streams = createEventStreams(sessions, { clock: settings.clock, random: systemRandom })
  return { sessions, settings, cookies: createCookies(settings.cookies), refreshes, streams }
}
