import type { CreateOptions } from '../create.js'
import type { DeviceInput } from '../device.js'
import { RollcallError } from '../errors.js'
import type { UserId } from '../ids.js'
import { readCredential } from './credential.js'
import type { Http } from './http.js'
import { answerPair } from './pair.js'
import { isNoToken } from './refusal.js'
import type { ClientInfo, RequestHead } from './request.js'
import { checkSameSite } from './same-site.js'

/** A login, after the app has checked who it is. The device's address and user agent come from the request. */
export interface LogInOptions extends Omit<CreateOptions<never>, 'device' | 'transaction'> {
  readonly device?: Pick<DeviceInput, 'name' | 'kind'> | undefined
  /**
   * Tokens in the body, or in cookies; may come from the client as it is, since what this app does not have is
   * `invalid_request`. Default: as `from`, and `'bearer'` where that is `'either'`.
   */
  readonly mode?: 'bearer' | 'cookie' | undefined
  /** Whether the cookies outlive the browser: "remember me". Default `true`. */
  readonly persistent?: boolean | undefined
}

const modes: ReadonlySet<string> = new Set(['bearer', 'cookie'])

/**
 * Starts a session and answers with its tokens. The session that it replaces ends (ASVS 7.2.4): that of the cookie, or that
 * of the bearer token if it is the same user's.
 * @throws as `create` does; RollcallError `cross_site_request`, `invalid_request`
 */
export async function logIn(
  http: Http<unknown>,
  request: RequestHead,
  { ip }: ClientInfo,
  options: LogInOptions,
): Promise<Response> {
  const { sessions, settings } = http
  const { mode, persistent = true, device, ...rest } = options
  const chosen = mode ?? (settings.from === 'cookie' ? 'cookie' : 'bearer')
  // Both are the client's to choose, and so may be anything.
  const isPossible = chosen === settings.from || (settings.from === 'either' && modes.has(chosen))
  if (!isPossible || typeof persistent !== 'boolean') throw new RollcallError('invalid_request')
  // Else another site could log its visitors in as somebody else.
  if (chosen === 'cookie') checkSameSite(request, settings)
  const userAgent = request.headers.get('user-agent')
  const pair = await sessions.create({ ...rest, device: { ...device, ip, userAgent } })
  try {
    const response = answerPair(http, pair, { mode: chosen, persistent })
    await revokeReplaced(http, request, chosen, rest.userId)
    return response
  } catch (error) {
    // Nobody was given its tokens. Not waited for: whoever waits has waited long enough.
    void sessions.revoke(rest.userId, pair.session.sid).catch(() => {})
    throw error
  }
}

async function revokeReplaced(
  { sessions, cookies }: Http<unknown>,
  request: RequestHead,
  mode: 'bearer' | 'cookie',
  user: UserId,
): Promise<void> {
  const reason = 'login'
  try {
    const shown = readCredential(request, mode, cookies)
    if (shown === null) return
    if (mode === 'cookie') {
      await sessions.revokeToken(shown.token, { reason })
      return
    }
    // A header is not replaced: an administrator may log in as somebody else beside their own session.
    const { userId, sid } = await sessions.verify(shown.token, { countsAsUse: false })
    if (userId === String(user)) await sessions.revoke(userId, sid, { reason })
  } catch (error) {
    // What is no good any more need not be revoked.
    if (!isNoToken(error)) throw error
  }
}
