import { toMilliseconds } from '../durations.js'
import { isRollcallError, RollcallError } from '../errors.js'
import { checkBoolean, checkOptions, checkTexts } from '../options.js'
import { readStepUp, type StepUpOptions } from '../step-up.js'
import type { Verified, VerifyOptions } from '../verify.js'
import type { Http } from './http.js'
import { readCredential } from './credential.js'
import { Refusal, stepUpChallenge } from './refusal.js'
import type { RequestHead } from './request.js'
import { checkSameSite, isSafe } from './same-site.js'
import { checkStepUp } from './settings.js'

/** What one route asks of those it lets in. */
export interface GuardOptions extends StepUpOptions, Pick<VerifyOptions, 'audience' | 'maxStaleness'> {
  /** Lets requests without any token in, as nobody; a token that is not good is refused all the same. Default `false`. */
  readonly optional?: boolean | undefined
}

/** Options of a guard that lets nobody in without a token. */
export type RequiredGuardOptions = GuardOptions & { readonly optional?: false | undefined }

/** Who a request is from: what `verify` answered, and what brought the token. */
export interface Auth<Claims> extends Verified<Claims> {
  readonly from: 'bearer' | 'cookie'
}

/** Lets a request in or rejects; `null` for nobody, where that is allowed. */
export type Guard<Claims, Nobody = never> = (request: RequestHead) => Promise<Auth<Claims> | Nobody>

/** For what ends other sessions: one that was ended elsewhere just before must not log out who ended it. */
export const critical: GuardOptions = { maxStaleness: 0 }

/**
 * The checks of one route, in the order in which they cost: form, site, signature, session, and last what the login must
 * be like.
 * @param countsAsUse whether who passes uses the session; not so for a page that may lie open unused
 * @throws TypeError for an option that is unknown or of a wrong type
 */
export function createGuard<Claims>(
  { sessions, settings, cookies }: Pick<Http<Claims>, 'sessions' | 'settings' | 'cookies'>,
  options: GuardOptions = {},
  countsAsUse = true,
): Guard<Claims, null> {
  const { optional = false, requireRecentLogin, acr, ...rest } = options
  // Such as a request, where the guard itself was given to the route.
  if (![Object.prototype, null].includes(Object.getPrototypeOf(options) as object))
    throw new TypeError('a guard is made where its route is made: auth.guard(), not auth.guard')
  checkOptions('guard', options, ['optional', 'maxStaleness', 'requireRecentLogin', 'acr', 'audience'])
  checkStepUp('guard', { requireRecentLogin, acr })
  checkBoolean('optional', optional)
  if (rest.maxStaleness !== undefined) toMilliseconds(rest.maxStaleness, 'maxStaleness', 0, '1h')
  if (rest.audience !== undefined) checkTexts('audience', rest.audience, 255)
  const stepUp = readStepUp(options)
  const verifyOptions = { ...rest, requireRecentLogin, acr, countsAsUse }

  return async (request) => {
    const credential = readCredential(request, settings.from, cookies)
    if (credential === null) {
      if (optional) return null
      throw new RollcallError('token_missing')
    }
    const { token, from } = credential
    if (from === 'cookie' && !isSafe(request)) checkSameSite(request, settings)
    try {
      return Object.assign(await sessions.verify(token, verifyOptions), { from })
    } catch (error) {
      if (stepUp === null || !isRollcallError(error) || error.code !== 'insufficient_user_authentication') throw error
      throw new Refusal(error.code, { 'WWW-Authenticate': stepUpChallenge(stepUp.maxAge, stepUp.acr) })
    }
  }
}
