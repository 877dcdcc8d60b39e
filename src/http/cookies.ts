import { parseCookie, stringifySetCookie, type SetCookie } from 'cookie'
import { RollcallError } from '../errors.js'
import type { TokenPair } from '../token-pair.js'

/** The checked settings of the cookies. */
export interface CookiePolicy {
  readonly name: string
  readonly sameSite: 'strict' | 'lax' | 'none'
  /** Where the refresh token is sent to, and nowhere else. */
  readonly refreshPath: string
  /** Whether they also travel over plain HTTP. */
  readonly insecure: boolean
}

/** The cookies of a session, of one making for setting and clearing, so that what clears them never misses. */
export interface Cookies {
  /** @throws RollcallError `invalid_request` where a request has two of the name: one of them is not ours */
  readAccess(header: string | null): string | null
  /** The same of the refresh token, and whether its cookies outlive the browser. */
  readRefresh(header: string | null): { readonly token: string; readonly persistent: boolean } | null
  /**
   * The `Set-Cookie` headers that give a pair to a browser.
   * @throws TypeError for a cookie that browsers would drop: its name and value must not exceed 4,096 bytes
   */
  set(pair: TokenPair, options: { readonly persistent: boolean; readonly now: number }): readonly string[]
  clear(): readonly string[]
}

/** RFC 6265bis, section 5.6: what is longer, browsers drop without a word. */
const maximumBytes = 4_096
/** RFC 6265bis, section 5.5: what is older, they cut. Seconds. */
const maximumAge = 400 * 86_400
/** Before the token of cookies that end with the browser, since a refresh must not make them outlive it. */
const temporary = '~'

export function createCookies({ name, sameSite, refreshPath, insecure }: CookiePolicy): Cookies {
  const [host, secure] = insecure ? ['', ''] : ['__Host-', '__Secure-']
  const common = { secure: !insecure, sameSite, path: '/' } as const
  const access = { ...common, name: `${host}${name}-access`, httpOnly: true }
  const refresh = {
    ...common,
    name: `${secure}${name}-refresh`,
    httpOnly: true,
    path: refreshPath,
    // No link leads here: the page's own script alone calls it.
    sameSite: sameSite === 'none' ? sameSite : ('strict' as const),
  }
  const expiry = { ...common, name: `${host}${name}-expiry` }

  return {
    readAccess: (header) => readOne(header, access.name),
    readRefresh(header) {
      const value = readOne(header, refresh.name)
      if (value === null) return null
      const persistent = !value.startsWith(temporary)
      return { token: persistent ? value : value.slice(temporary.length), persistent }
    },
    set(pair, { persistent, now }) {
      const { accessToken, refreshToken, expiresAt, session } = pair
      // All as long as the session, since an expired access token still logs out.
      const left = Math.min(Math.ceil((session.expiresAt.getTime() - now) / 1_000), maximumAge)
      const life = persistent ? { maxAge: Math.max(left, 0) } : {}
      const times = { access: expiresAt, idle: session.idleExpiresAt, session: session.expiresAt }
      return [
        write({ ...access, ...life, value: accessToken }),
        ...(refreshToken === null
          ? []
          : [write({ ...refresh, ...life, value: persistent ? refreshToken : temporary + refreshToken })]),
        write({ ...expiry, ...life, value: describeTimes(times) }),
      ]
    },
    clear: () => [access, refresh, expiry].map((cookie) => write({ ...cookie, value: '', maxAge: 0 })),
  }
}

function readOne(header: string | null, name: string): string | null {
  if (header === null) return null
  const value = parseCookie(header, { decode: (text) => text })[name]
  if (value === undefined) return null
  // As the parser tells names, and no looser: a neighbouring host can set a cookie whose name is ours behind a byte that
  // `trim` takes for a space. What a name is made of means itself in a pattern.
  const namesakes = header.match(new RegExp(`(?:^|;)[ \\t]*${name}[ \\t]*=`, 'g'))
  // Whoever can set cookies for a neighbouring host could put theirs beside ours.
  if (namesakes !== null && namesakes.length > 1) throw new RollcallError('invalid_request')
  return value || null
}

function write(cookie: SetCookie): string {
  const { name, value = '' } = cookie
  if (new TextEncoder().encode(name + value).length > maximumBytes) {
    throw new TypeError(
      `the cookie ${name} would exceed ${maximumBytes} bytes, and browsers would drop it: make the claims smaller`,
    )
  }
  return stringifySetCookie(cookie, { encode: (text) => text })
}

/** `access=…&idle=…&session=…` in epoch seconds, which `URLSearchParams` reads. */
function describeTimes(times: Readonly<Record<string, Date>>): string {
  return Object.entries(times)
    .map(([name, at]) => `${name}=${Math.floor(at.getTime() / 1_000)}`)
    .join('&')
}

export function setCookies(lines: readonly string[]): Headers {
  const headers = new Headers()
  for (const line of lines) headers.append('Set-Cookie', line)
  return headers
}
