import type { ClientDevice } from 'rollcall/client'
import { client } from './client.js'
import { confirmAction } from './confirm.js'
import { createDeviceCard, nameOf, type DeviceCard } from './device-card.js'
import { byId, onPress, showText } from './elements.js'
import { quoteName, rememberNames } from './names.js'
import { showToast } from './notice.js'
import { createLoader } from './loader.js'
import { explainError } from './trouble.js'

const list = byId('devices', HTMLUListElement)
const title = byId('devices-title', HTMLElement)
const more = byId('more', HTMLButtonElement)
const others = byId('log-out-others', HTMLButtonElement)
const everywhere = byId('log-out-everywhere', HTMLButtonElement)
const cards = new Map<string, DeviceCard>()
let devices: readonly ClientDevice[] = []
let next: string | null = null
const ghosts = Array.from(list.children)

/** What the list says of this one: for how long it may be unused, in milliseconds. */
let idleLifetime: number | null = null
export function knownIdleLifetime(): number | null {
  return idleLifetime
}

export function openDevices(): void {
  onPress(more, showMore)
  onPress(others, logOutOthers)
  onPress(everywhere, logOutEverywhere)
}

/** Asks for the list again, as much of it as is shown. */
export const loadDevices: () => Promise<void> = createLoader(async () => {
  await attempt(async () => {
    let page = await client.sessions()
    const found = [...page.sessions]
    while (page.next !== null && found.length < devices.length) {
      page = await client.sessions(page.next)
      found.push(...page.sessions)
    }
    next = page.next
    show(found)
  })
})

export function clearDevices(): void {
  devices = []
  next = null
  cards.clear()
  list.replaceChildren(...ghosts)
  list.ariaBusy = 'true'
  showText(byId('devices-error', HTMLElement), null)
}

async function showMore(): Promise<void> {
  if (next === null) return
  const after = next
  await attempt(async () => {
    const page = await client.sessions(after)
    next = page.next
    const known = new Set(devices.map(({ sid }) => sid))
    const added = page.sessions.filter(({ sid }) => !known.has(sid))
    show([...devices, ...added])
    const [first] = added
    if (first !== undefined) cards.get(first.sid)?.element.querySelector('button')?.focus()
  })
}

function show(found: readonly ClientDevice[]): void {
  // Nobody is logged in any more: the answer came too late.
  if (!client.session) return
  // This one first, then the newest.
  devices = found.toSorted((one, other) => Number(other.current) - Number(one.current))
  rememberNames(devices.map((device) => [device.sid, nameOf(device)]))
  const [first] = devices
  if (first?.current) idleLifetime = first.idleExpiresAt.getTime() - first.lastSeenAt.getTime()
  list.ariaBusy = 'false'
  for (const ghost of ghosts) ghost.remove()
  placeCards()
  more.hidden = next === null
  const isAlone = devices.length < 2 && next === null
  byId('alone', HTMLElement).hidden = !isAlone
  others.hidden = isAlone
  showText(byId('devices-count', HTMLElement), next === null ? String(devices.length) : `${devices.length}+`)
}

/** Cards that stay are not moved: one of them may have the focus. */
function placeCards(): void {
  const standing = new Set(devices.map(({ sid }) => sid))
  for (const [sid, { element }] of cards) {
    if (standing.has(sid)) continue
    if (element.contains(document.activeElement)) title.focus()
    element.remove()
    cards.delete(sid)
  }
  for (const [index, device] of devices.entries()) {
    const card = cards.get(device.sid) ?? createDeviceCard(device, { rename, revoke })
    cards.set(device.sid, card)
    card.show(device)
    if (list.children[index] !== card.element) list.insertBefore(card.element, list.children[index] ?? null)
  }
}

async function rename({ sid }: ClientDevice, name: string): Promise<boolean> {
  return attempt(async () => {
    await client.rename(sid, name)
    await loadDevices()
  })
}

async function revoke(device: ClientDevice): Promise<void> {
  const name = quoteName(nameOf(device))
  const text = device.current
    ? 'You will be logged out here. Your other devices stay logged in.'
    : 'It can do nothing more, until somebody logs in there again.'
  const question = { title: device.current ? 'Log out this device?' : `Log out ${name}?`, text, action: 'Log out' }
  if (!(await confirmAction(question))) return
  await attempt(async () => {
    await client.revoke(device.sid)
    if (client.session) showToast(`${name} is logged out.`)
  })
  // Also after a failure: it may be gone already.
  if (client.session) await loadDevices()
}

async function logOutOthers(): Promise<void> {
  const text = 'Every device but this one has to log in again, and so has whoever is just logging in.'
  if (!(await confirmAction({ title: 'Log out other devices?', text, action: 'Log out others' }))) return
  await attempt(async () => {
    const { revoked } = await client.revokeOthers()
    showToast(revoked === 1 ? 'One other device is logged out.' : `${revoked} other devices are logged out.`)
    await loadDevices()
    title.focus()
  })
}

async function logOutEverywhere(): Promise<void> {
  const text = 'Every device has to log in again, this one too. Do it if you think that somebody else is logged in.'
  if (!(await confirmAction({ title: 'Log out everywhere?', text, action: 'Log out everywhere' }))) return
  await attempt(() => client.revokeAll())
}

/** Answers whether it was done; what went wrong is shown, unless nobody is logged in any more. */
async function attempt(act: () => Promise<unknown>): Promise<boolean> {
  const error = byId('devices-error', HTMLElement)
  try {
    await act()
    showText(error, null)
    return true
  } catch (thrown) {
    if (client.session) showText(error, explainError(thrown))
    return false
  }
}
