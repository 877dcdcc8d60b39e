import { checkTexts } from './options.js'

/**
 * The audiences one call names, or all configured ones when it names none.
 * @throws TypeError for an audience that was not configured: the list of the configuration is the allowlist.
 */
export function chooseAudience(
  configured: readonly string[],
  named: string | readonly string[] | undefined,
): readonly string[] {
  if (named === undefined) return configured
  const chosen = checkTexts('audience', named, 255)
  if (!chosen.every((audience) => configured.includes(audience))) {
    throw new TypeError('audience must be one of the audiences given to createSessions')
  }
  return chosen
}
