import type { CurrentSession } from 'rollcall/client'
import { clearActivity, loadActivity, openActivity } from './activity.js'
import { client } from './client.js'
import { leaveQuestion } from './confirm.js'
import { clearDevices, knownIdleLifetime, loadDevices, openDevices } from './devices.js'
import { byId, onPress } from './elements.js'
import { explainEnd, explainExpiry, type Ending } from './endings.js'
import { clearHood, loadMe, openHood } from './hood.js'
import { forgetNames } from './names.js'
import { showEnding, showToast } from './notice.js'
import { whenPresent } from './presence.js'
import { endWarning, openSessionCard, showSession } from './session-card.js'
import { openSignIn } from './sign-in.js'
import { keepTimes } from './times.js'
import { explainError } from './trouble.js'

const views = ['loading', 'trouble', 'sign-in', 'account'] as const
/** The session that the page shows. */
let shown: string | null = null
let isStarting = true

openSignIn()
openDevices()
openSessionCard()
openActivity()
openHood()
keepTimes()
client.on('session', showAccount)
client.on('devices', () => {
  void loadDevices()
  whenPresent(() => client.session && void loadActivity())
})
client.on('expired', ({ session }) => leave(explainExpiry(session, knownIdleLifetime())))
client.on('ended', (end) => leave(explainEnd(end)))
onPress(byId('log-out', HTMLButtonElement), logOut)
onPress(byId('retry', HTMLButtonElement), start)
await start()

async function start(): Promise<void> {
  try {
    const session = await client.current()
    if (session === null) showView('sign-in')
    else showAccount(session)
  } catch (error) {
    showView('trouble')
    byId('trouble-text', HTMLElement).textContent = explainError(error)
    if (!isStarting) byId('trouble-title', HTMLElement).focus()
  }
  isStarting = false
}

function showAccount(session: CurrentSession): void {
  showSession(session)
  if (shown === session.sid) return
  clear()
  shown = session.sid
  showEnding(null)
  byId('user-name', HTMLElement).textContent = session.userId
  showView('account')
  // Whoever opens the page begins at its top; whoever logged in has left a form that is gone.
  if (!isStarting) byId('account-title', HTMLElement).focus()
  void Promise.all([loadDevices(), loadActivity(), loadMe()])
}

function leave(ending: Ending): void {
  leaveQuestion()
  showView('sign-in')
  showEnding(ending)
  clear()
}

/** Nothing of one user is left for the next. */
function clear(): void {
  shown = null
  endWarning()
  clearDevices()
  clearActivity()
  clearHood()
  forgetNames()
}

async function logOut(): Promise<void> {
  await client.logout().catch((error: unknown) => showToast(explainError(error)))
}

function showView(name: (typeof views)[number]): void {
  for (const view of views) byId(view, HTMLElement).hidden = view !== name
  byId('user', HTMLElement).hidden = name !== 'account'
}
