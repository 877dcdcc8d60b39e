import type { CurrentSession, SessionEnd } from 'rollcall/client'
import { nameDevice } from './names.js'
import { describeSpan } from './times.js'

/** Why nobody is logged in any more, for people. */
export interface Ending {
  readonly title: string
  readonly text: string
  /** Whether the user did it here. */
  readonly isOwn: boolean
}

const spent = {
  title: 'This session was ended for your safety',
  text: "A spent refresh token was shown again: somebody else may have had a copy. Log in again, and change your password if you don't know why.",
}
const suspended = {
  title: 'This account is suspended',
  text: 'Nobody can use it, nor log in, until it is reinstated.',
}

/** By the reason that the server gives; `who` is the device that did it. */
const reasons: Readonly<Record<string, (who: string) => Omit<Ending, 'isOwn'>>> = {
  logout: (who) => ({ title: 'You were logged out', text: `${who} logged this device out.` }),
  'logout others': (who) => ({ title: 'You were logged out', text: `${who} logged out all other devices.` }),
  'logout everywhere': (who) => ({
    title: 'You were logged out everywhere',
    text: `${who} logged out every device of this account.`,
  }),
  revocation: () => ({ title: 'You were logged out', text: 'A service that may do so has revoked this session.' }),
  suspended: () => suspended,
  successor_used: () => spent,
  superseded: () => spent,
  forked: () => spent,
  other_device: () => spent,
}

/** By the code of the refusal, where no reason was heard. */
const codes: Readonly<Record<string, Omit<Ending, 'isOwn'>>> = {
  user_suspended: suspended,
  refresh_token_reused: spent,
}

export function explainEnd({ code, reason, actor, session }: SessionEnd): Ending {
  const isOwn = code === 'logged_out' || actor === session.sid
  if (isOwn && reason === 'logout everywhere')
    return { title: 'You logged out everywhere', text: 'Every device of this account has to log in again.', isOwn }
  if (isOwn) return { title: 'You are logged out', text: 'The session of this device has ended.', isOwn }
  if (reason === 'logout' && actor === null)
    return {
      title: 'You are logged out',
      text: 'This session was ended by its own logout, perhaps in another tab.',
      isOwn,
    }
  if (reason !== null && Object.hasOwn(reasons, reason)) {
    return { ...reasons[reason]!(capitalize(nameDevice(actor, 'another device'))), isOwn }
  }
  if (Object.hasOwn(codes, code)) return { ...codes[code]!, isOwn }
  const why = reason === null ? 'The server did not say why.' : `The reason given: ${reason}.`
  return { title: 'You were logged out', text: `This session was ended elsewhere. ${why}`, isOwn }
}

/** @param idleLifetime how long it may be unused, in milliseconds, where that is known */
export function explainExpiry(
  { idleExpiresAt, sessionExpiresAt }: CurrentSession,
  idleLifetime: number | null,
): Ending {
  const title = 'Your session has expired'
  if (idleExpiresAt.getTime() >= sessionExpiresAt.getTime())
    return { title, text: 'It had reached the longest time that a session may last.', isOwn: false }
  const span = idleLifetime === null ? 'a while' : describeSpan(idleLifetime)
  return { title, text: `It was not used for ${span}, and so it ended by itself.`, isOwn: false }
}

function capitalize(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}
