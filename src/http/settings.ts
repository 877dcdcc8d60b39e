import { checkBoolean, checkChoice, checkOptions, checkText } from '../options.js'
import { systemClock, type Clock } from '../ports/clock.js'
import { readStepUp, type StepUpOptions } from '../step-up.js'
import type { KeyRing } from '../tokens/key-ring.js'
import { readClients, type ClientOptions, type Clients } from './clients.js'
import type { CookiePolicy } from './cookies.js'
import type { TokenSource } from './credential.js'
import type { SameSitePolicy } from './same-site.js'

/** One object for guards, routes and logins, since they must agree on cookies. */
export interface HttpOptions {
  /** Where access tokens are taken from. Cookies are set only where they are taken, too. Default `'bearer'`. */
  readonly from?: TokenSource | undefined
  /** The path of the session routes as clients see it. Default `'/auth'`. */
  readonly basePath?: string | undefined
  readonly cookies?: CookieOptions | undefined
  /**
   * The origins of pages, beside the server's own, whose requests with cookies are taken, such as
   * `https://app.example.com`. Behind a proxy that changes `Host`, the own one, too. Default: none.
   */
  readonly allowedOrigins?: readonly string[] | undefined
  /** Whether HTML forms of these origins may send cookies; else only JSON, or `X-Requested-With`, may. Default `false`. */
  readonly allowForms?: boolean | undefined
  /** What logging other devices out takes, beside a session. Default: nothing. */
  readonly revokeOthers?: StepUpOptions | undefined
  /** What a browser forgets of this origin after a logout. Default `['cache', 'storage']`; `[]`: nothing. */
  readonly clearSiteData?: readonly ('cache' | 'cookies' | 'storage' | 'executionContexts')[] | undefined
  /** The services that may introspect and revoke, by id. Default: none, and these routes are 404. */
  readonly clients?: Readonly<Record<string, ClientOptions>> | undefined
  /** Whose public halves `GET jwks.json` gives. Default: none, and it is 404. */
  readonly keys?: Pick<KeyRing, 'jwks'> | undefined
  /** Hears of every error that is answered with a 5xx here, but of `key_unavailable`. Default: `console.error`. */
  readonly report?: ((error: unknown) => void) | undefined
  /** The one of `createSessions`. Default: the system's. */
  readonly clock?: Clock | undefined
}

export interface CookieOptions {
  /** What the names of the cookies begin with, behind their prefix: letters, digits and `-`. Default `'rollcall'`. */
  readonly name?: string | undefined
  /** Default `'lax'`; the refresh token's is `'strict'` at the least. `'none'` needs `allowedOrigins`. */
  readonly sameSite?: 'strict' | 'lax' | 'none' | undefined
  /** The path of the refresh route as browsers see it. Default: `basePath` and `/refresh`. */
  readonly refreshPath?: string | undefined
  /** Lets the cookies travel over plain HTTP, for a LAN without TLS; warned of. Browsers need it for no `localhost`. */
  readonly insecure?: boolean | undefined
}

/** The checked settings. */
export interface HttpSettings extends SameSitePolicy {
  readonly from: TokenSource
  readonly basePath: string
  readonly cookies: CookiePolicy
  readonly revokeOthers: StepUpOptions
  readonly clearSiteData: string | null
  readonly clients: Clients | null
  readonly keys: Pick<KeyRing, 'jwks'> | null
  readonly report: (error: unknown) => void
  readonly clock: Clock
}

const known =
  'from basePath cookies allowedOrigins allowForms revokeOthers clearSiteData clients keys report clock'.split(' ')
const data = ['cache', 'cookies', 'storage', 'executionContexts'] as const

/** @throws TypeError for an option that is unknown or of a wrong type */
export function readHttpSettings(options: HttpOptions = {}): HttpSettings {
  checkOptions('the HTTP layer', options, known)
  const { from = 'bearer', basePath = '/auth', revokeOthers = {}, clearSiteData = ['cache', 'storage'] } = options
  const { allowForms = false, clients, keys, report = complain, clock = systemClock } = options
  if (typeof report !== 'function') throw new TypeError('report must be a function')
  if (keys !== undefined && typeof keys?.jwks !== 'function') throw new TypeError('keys must be a key ring')
  const allowedOrigins = new Set(readList('allowedOrigins', options.allowedOrigins ?? []).map(readOrigin))
  const path = readPath('basePath', basePath)
  return {
    from: checkChoice('from', from, ['bearer', 'cookie', 'either']),
    basePath: path,
    cookies: readCookiePolicy(options.cookies, path, allowedOrigins.size > 0),
    allowedOrigins,
    allowForms: checkBoolean('allowForms', allowForms),
    revokeOthers: checkStepUp('revokeOthers', revokeOthers),
    clearSiteData:
      readList('clearSiteData', clearSiteData)
        .map((entry) => `"${checkChoice('clearSiteData', entry, data)}"`)
        .join(', ') || null,
    clients: clients === undefined ? null : readClients(clients),
    keys: keys ?? null,
    report,
    clock,
  }
}

/** @throws TypeError for what is no duration, or no class that a header could name */
export function checkStepUp(where: string, options: StepUpOptions): StepUpOptions {
  checkOptions(where, options, ['requireRecentLogin', 'acr'])
  const classes = readStepUp(options)?.acr ?? []
  if (!classes.every((entry) => /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(entry)))
    throw new TypeError('acr must be ASCII without spaces, quotes and backslashes, since a header names it')
  return options
}

function readList(name: string, value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw new TypeError(`${name} must be a list`)
  return value as unknown[]
}

/** An error that nobody hears of is found by users. */
function complain(error: unknown): void {
  // oxlint-disable-next-line eslint/no-console
  console.error('rollcall:', error)
}

function readCookiePolicy(options: CookieOptions = {}, basePath: string, hasOrigins: boolean): CookiePolicy {
  checkOptions('cookies', options, ['name', 'sameSite', 'refreshPath', 'insecure'])
  const { name = 'rollcall', sameSite = 'lax', refreshPath = `${basePath}/refresh`, insecure = false } = options
  if (!/^[A-Za-z0-9-]{1,50}$/.test(checkText('cookies.name', name, 50)))
    throw new TypeError('cookies.name must be letters, digits and -')
  checkChoice('cookies.sameSite', sameSite, ['strict', 'lax', 'none'])
  if (sameSite === 'none' && (insecure || !hasOrigins))
    throw new TypeError("cookies.sameSite 'none' is for pages of other sites: it needs allowedOrigins, and no insecure")
  if (checkBoolean('cookies.insecure', insecure)) {
    // It was asked for; but whoever runs this elsewhere should hear of it.
    // oxlint-disable-next-line eslint/no-console
    console.warn('rollcall: cookies.insecure sends session cookies over plain HTTP, where the network can read them')
  }
  return { name, sameSite, refreshPath: readPath('cookies.refreshPath', refreshPath), insecure }
}

/** Of characters that mean the same encoded and decoded. */
function readPath(name: string, path: unknown): string {
  if (!/^(?:\/[\w.~-]+)+$/.test(checkText(name, path, 255)))
    throw new TypeError(`${name} must be a path such as '/auth', of letters, digits and -._~, without a / at its end`)
  return path as string
}

function readOrigin(origin: unknown): string {
  const text = checkText('allowedOrigins', origin, 255)
  if (!URL.canParse(text) || new URL(text).origin !== text || text === 'null')
    throw new TypeError(`allowedOrigins must hold origins such as 'https://app.example.com', without a path`)
  return text
}
