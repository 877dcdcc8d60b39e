import { client } from './client.js'
import { byId, createIcon, createText, showText } from './elements.js'
import { createLoader } from './loader.js'
import { nameDevice, rememberNames } from './names.js'
import { showTime } from './times.js'
import { explainError, explainResponse } from './trouble.js'

/** What `GET /api/activity` answers. */
interface ActivityPage {
  readonly entries: readonly Entry[]
  readonly devices: Readonly<Record<string, string>>
}

interface Entry {
  readonly type: string
  readonly at: string
  readonly sid: string | null
  readonly reason: string | null
  readonly actor: string | null
  readonly count: number
}

interface Description {
  readonly icon: string
  readonly title: string
  readonly detail: string | null
}

const list = byId('activity', HTMLOListElement)
const empty = byId('activity-empty', HTMLElement)

const few = 7
const all = byId('activity-all', HTMLButtonElement)

export function openActivity(): void {
  all.addEventListener('click', () => {
    const isLong = list.classList.toggle('all')
    all.textContent = isLong ? 'Show fewer' : 'Show all'
  })
}

export const loadActivity: () => Promise<void> = createLoader(async () => {
  const problem = await readActivity().catch(explainError)
  if (client.session) showText(byId('activity-error', HTMLElement), problem)
})

export function clearActivity(): void {
  list.replaceChildren()
  all.hidden = true
}

/** Answers what went wrong, for people. */
async function readActivity(): Promise<string | null> {
  const response = await client.fetch('/api/activity')
  if (!response.ok) return explainResponse(response)
  const { entries, devices } = (await response.json()) as ActivityPage
  if (!client.session) return null
  rememberNames(Object.entries(devices))
  list.replaceChildren(...entries.map(createEntry))
  all.hidden = entries.length <= few
  empty.hidden = entries.length > 0
  return null
}

function createEntry(entry: Entry): HTMLElement {
  const { icon, title, detail } = describe(entry)
  const item = document.createElement('li')
  const text = document.createElement('div')
  const time = document.createElement('time')
  showTime(time, new Date(entry.at))
  const line = createText('p', detail === null ? '' : `${detail} · `)
  line.append(time)
  text.append(createText('p', title), line)
  if (icon === 'warning') item.className = 'alarming'
  item.append(createIcon(icon), text)
  return item
}

function describe({ type, sid, reason, actor, count }: Entry): Description {
  const device = nameDevice(sid, 'a device that is gone')
  const by = actor === null ? null : `By ${nameDevice(actor, 'another device')}`
  switch (type) {
    case 'logged_in':
      return { icon: 'enter', title: 'Logged in', detail: `On ${device}` }
    case 'refreshed':
      return {
        icon: 'refresh',
        title: count > 1 ? `Tokens renewed, ${count} times` : 'Tokens renewed',
        detail: `For ${device}`,
      }
    case 'session_revoked':
      return describeRevoked(device, reason, actor === sid ? null : by)
    case 'refresh_token_reused':
      return {
        icon: 'warning',
        title: 'A spent refresh token was shown again',
        detail: `The session of ${device} was ended`,
      }
    case 'other_sessions_revoked':
      return { icon: 'leave', title: 'All other devices logged out', detail: by }
    case 'all_sessions_revoked':
      return { icon: 'leave', title: 'Logged out everywhere', detail: by }
    case 'user_suspended':
      return { icon: 'warning', title: 'Account suspended', detail: by }
    case 'user_reinstated':
      return { icon: 'check', title: 'Account reinstated', detail: by }
    default:
      return { icon: 'unknown', title: type.replaceAll('_', ' '), detail: by }
  }
}

function describeRevoked(device: string, reason: string | null, by: string | null): Description {
  if (reason === 'login') return { icon: 'leave', title: 'Replaced by a new login', detail: `On ${device}` }
  const detail = by === null ? `On ${device}` : `${by}, on ${device}`
  return { icon: 'leave', title: 'Logged out', detail }
}
