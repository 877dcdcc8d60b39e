import { RollcallError } from '../errors.js'
import { hostOf, isJson, type RequestHead } from './request.js'

/** Whose requests with cookies are taken. */
export interface SameSitePolicy {
  /** Beside the server's own. */
  readonly allowedOrigins: ReadonlySet<string>
  /** Whether what an HTML form can send is taken, too. */
  readonly allowForms: boolean
}

const safe: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS'])

export function isSafe({ method }: RequestHead): boolean {
  return safe.has(method)
}

/**
 * Against requests that another site makes with this one's cookies: Fetch Metadata where the browser sends it, else its
 * `Origin`, and nobody gets by without both. A `POST`, the one such method that needs no preflight, must be something
 * that no form can send, too. (OWASP CSRF prevention; ASVS 3.5.1 to 3.5.3.)
 * @throws RollcallError `cross_site_request`
 */
export function checkSameSite(request: RequestHead, policy: SameSitePolicy): void {
  checkOrigin(request, policy)
  const isForm = request.method === 'POST' && !isJson(request) && !request.headers.get('x-requested-with')
  if (isForm && !policy.allowForms) throw new RollcallError('cross_site_request')
}

/** The first of the two alone. @throws RollcallError `cross_site_request` */
export function checkOrigin(request: RequestHead, { allowedOrigins }: Pick<SameSitePolicy, 'allowedOrigins'>): void {
  const isFromHere = isOwn(request) || allowedOrigins.has(request.headers.get('origin') ?? '')
  if (!isFromHere) throw new RollcallError('cross_site_request')
}

function isOwn(request: RequestHead): boolean {
  const site = request.headers.get('sec-fetch-site')
  // `none` is the user's own doing, such as a bookmark.
  if (site !== null) return site === 'same-origin' || site === 'none'
  const origin = request.headers.get('origin')
  // By host alone: behind a proxy that ends TLS we can't see our own scheme.
  if (origin === null || !URL.canParse(origin)) return false
  const { host } = new URL(origin)
  // `file://` has none, and nor has an empty header.
  return host !== '' && host === hostOf(request)?.toLowerCase()
}
