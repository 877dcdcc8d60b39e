import { toMilliseconds, type Duration } from './durations.js'
import { checkTexts } from './options.js'

/** What a login must be like (RFC 9470). */
export interface StepUpOptions {
  /** At most how long ago the user proved who they are, 1 second to 3650 days; a refresh is no proof. Default: however long ago. */
  readonly requireRecentLogin?: Duration | undefined
  /** Only logins of this authentication context class, or of one of these. Default: any. */
  readonly acr?: string | readonly string[] | undefined
}

/** The same, checked. Milliseconds. */
export interface StepUp {
  readonly maxAge: number | null
  readonly acr: readonly string[] | null
}

/** @throws TypeError for what is no duration and no class */
export function readStepUp({ requireRecentLogin, acr }: StepUpOptions): StepUp | null {
  if (requireRecentLogin === undefined && acr === undefined) return null
  return {
    maxAge:
      requireRecentLogin === undefined ? null : toMilliseconds(requireRecentLogin, 'requireRecentLogin', '1s', '3650d'),
    acr: acr === undefined ? null : checkTexts('acr', acr, 255),
  }
}

/** Classes have no order that we know, so that only the ones that are named will do. */
export function isEnough(
  login: { readonly authenticatedAt: number; readonly acr: string | null },
  { maxAge, acr }: StepUp,
  now: number,
): boolean {
  const isRecent = maxAge === null || now - login.authenticatedAt <= maxAge
  return isRecent && (acr === null || (login.acr !== null && acr.includes(login.acr)))
}
