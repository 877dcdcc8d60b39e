import type { CurrentSession } from 'rollcall/client'
import { client } from './client.js'
import { byId, onPress, showText } from './elements.js'
import { describeDate, describeLeft, serverNow } from './times.js'
import { showToast } from './notice.js'
import { explainError } from './trouble.js'

/** How long before the end of the session its user is warned, in milliseconds. */
const notice = 30_000

const warning = byId('warning', HTMLElement)
const warningText = byId('warning-text', HTMLElement)
const stay = byId('stay', HTMLButtonElement)

export function openSessionCard(): void {
  client.on('expiring', { before: notice }, warn)
  onPress(stay, stayLoggedIn)
  setInterval(showLeft, 1_000)
}

/** Shows when the session ends. */
export function showSession(session: CurrentSession): void {
  const { idleExpiresAt, sessionExpiresAt } = session
  byId('ends-label', HTMLElement).textContent = canStay(session) ? 'Ends, unless it is used, in' : 'Ends in'
  byId('ends-last', HTMLElement).textContent = canStay(session)
    ? `At the latest on ${describeDate(sessionExpiresAt)}.`
    : `On ${describeDate(sessionExpiresAt)}: a session lasts no longer, used or not.`
  if (endOf({ idleExpiresAt, sessionExpiresAt }) - serverNow() > notice) endWarning()
  showLeft()
}

export function endWarning(): void {
  if (warning.contains(document.activeElement)) byId('account-title', HTMLElement).focus()
  warning.hidden = true
  showText(warningText, null)
}

/** Read out once; the seconds beside it are only seen. */
function warn(session: CurrentSession): void {
  warning.hidden = false
  stay.hidden = !canStay(session)
  showText(
    warningText,
    canStay(session)
      ? 'You are about to be logged out, since this session was not used.'
      : 'You are about to be logged out: this session has reached its longest time.',
  )
  showLeft()
}

async function stayLoggedIn(): Promise<void> {
  try {
    // Any request that the app itself answers is a use.
    await client.fetch('/api/me')
    if ((await client.current()) === null) return
    showToast('You stay logged in.')
  } catch (error) {
    showToast(explainError(error))
  }
}

function showLeft(): void {
  const { session } = client
  if (!session) return
  const left = describeLeft(endOf(session) - serverNow())
  byId('left', HTMLElement).textContent = left
  byId('warning-left', HTMLElement).textContent = left
}

function endOf({
  idleExpiresAt,
  sessionExpiresAt,
}: Pick<CurrentSession, 'idleExpiresAt' | 'sessionExpiresAt'>): number {
  return Math.min(idleExpiresAt.getTime(), sessionExpiresAt.getTime())
}

/** Whether using it makes it last longer. */
function canStay({ idleExpiresAt, sessionExpiresAt }: CurrentSession): boolean {
  return idleExpiresAt.getTime() < sessionExpiresAt.getTime()
}
