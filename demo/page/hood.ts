import { client } from './client.js'
import { byId, createText, onPress, showText } from './elements.js'
import { createLoader } from './loader.js'
import { showToast } from './notice.js'
import { describeClock, describeDate, describeLeft, serverNow } from './times.js'
import { explainError, explainResponse } from './trouble.js'

/** What `GET /api/me` answers. */
interface Me {
  readonly userId: string
  readonly sid: string
  readonly claims: { readonly role?: string }
  readonly expiresAt: string
  readonly authenticatedAt: string
  readonly source: string
  readonly checkedAt: string
  readonly from: string
}

const most = 50
const hood = byId('hood', HTMLDetailsElement)
const heard = byId('heard', HTMLOListElement)
let me: Me | null = null

export function openHood(): void {
  onPress(byId('verify', HTMLButtonElement), loadMe)
  hood.addEventListener('toggle', () => hood.open && client.session && void loadMe())
  setInterval(() => hood.open && showVerified(), 1_000)
  client.on('session', ({ idleExpiresAt }) =>
    note('session', `ends on ${describeDate(idleExpiresAt)} unless it is used`),
  )
  client.on('devices', () => note('devices', 'something about the devices changed'))
  client.on('refreshed', ({ outcome }) => note('refreshed', `the pair of tokens: ${outcome}`))
  client.on('expired', ({ code }) => note('expired', code))
  client.on('ended', ({ code, reason }) => note('ended', reason === null ? code : `${code}, ${reason}`))
}

/** Who is asking, and on what the server accepted it. */
export const loadMe: () => Promise<void> = createLoader(async () => {
  const problem = await readMe().catch(explainError)
  if (client.session && problem !== null) showToast(problem)
})

export function clearHood(): void {
  me = null
  byId('claims', HTMLPreElement).textContent = ''
  byId('user-role', HTMLElement).hidden = true
}

async function readMe(): Promise<string | null> {
  const response = await client.fetch('/api/me')
  if (!response.ok) return explainResponse(response)
  me = (await response.json()) as Me
  if (!client.session) return null
  const { userId, sid, claims, expiresAt, authenticatedAt } = me
  const shown = { sub: userId, sid, ...claims, exp: expiresAt, auth_time: authenticatedAt }
  byId('claims', HTMLPreElement).textContent = JSON.stringify(shown, null, 2)
  showText(byId('user-role', HTMLElement), claims.role ?? null)
  showVerified()
  return null
}

function showVerified(): void {
  if (me === null) return
  const age = Math.max(0, serverNow() - Date.parse(me.checkedAt))
  const rows = [
    ['Accepted', `${(age / 1_000).toFixed(0)} s ago`],
    ['Read from', me.source === 'store' ? 'the database' : 'memory, not older than allowed'],
    ['Sent as', me.from === 'cookie' ? 'cookie' : 'header'],
    ['Token good for', `${describeLeft(Date.parse(me.expiresAt) - serverNow())} more`],
  ] as const
  byId('verified', HTMLDListElement).replaceChildren(
    ...rows.flatMap(([term, text]) => [createText('dt', term), createText('dd', text)]),
  )
}

function note(name: string, text: string): void {
  const item = document.createElement('li')
  item.append(createText('time', describeClock(new Date())), createText('code', name), createText('span', text))
  heard.prepend(item)
  if (heard.children.length > most) heard.lastElementChild?.remove()
  byId('heard-empty', HTMLElement).hidden = true
}
