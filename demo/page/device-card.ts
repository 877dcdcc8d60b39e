import type { ClientDevice } from 'rollcall/client'
import { byId, onPress, partOf } from './elements.js'
import { showTime } from './times.js'
import { describeUserAgent } from './user-agent.js'

/** One device of the list, as it stays while the list is brought up to date. */
export interface DeviceCard {
  readonly element: HTMLElement
  show(device: ClientDevice): void
}

export interface CardActions {
  rename(device: ClientDevice, name: string): Promise<boolean>
  revoke(device: ClientDevice): Promise<void>
}

const template = byId('device-template', HTMLTemplateElement)
const kinds: Readonly<Record<string, string>> = {
  desktop: 'Computer',
  mobile: 'Phone',
  tablet: 'Tablet',
  tv: 'TV',
  bot: 'Program',
  unknown: 'Device',
}

export function nameOf({ device: { name, userAgent } }: ClientDevice): string {
  return name ?? describeUserAgent(userAgent)
}

export function createDeviceCard(first: ClientDevice, actions: CardActions): DeviceCard {
  const element = (template.content.cloneNode(true) as DocumentFragment).firstElementChild as HTMLElement
  const part = (name: string): HTMLElement => partOf(element, name, HTMLElement)
  const edit = partOf(element, 'edit', HTMLButtonElement)
  const revoke = partOf(element, 'revoke', HTMLButtonElement)
  let device = first

  function show(given: ClientDevice): void {
    device = given
    const { name, kind, userAgent, ip } = given.device
    const known = Object.hasOwn(kinds, kind) ? kind : 'unknown'
    element.querySelector('use')!.setAttribute('href', `#icon-${known}`)
    element.classList.toggle('current', given.current)
    part('name').textContent = nameOf(given)
    part('current').hidden = !given.current
    part('kind').textContent = kinds[known]!
    part('software').textContent = name === null && userAgent === null ? 'no user agent' : describeUserAgent(userAgent)
    part('ip').textContent = ip ?? 'unknown address'
    showTime(partOf(element, 'seen', HTMLTimeElement), given.lastSeenAt)
    showTime(partOf(element, 'created', HTMLTimeElement), given.createdAt)
    edit.ariaLabel = `Rename ${nameOf(given)}`
    revoke.ariaLabel = `Log out ${nameOf(given)}`
  }

  onPress(revoke, () => actions.revoke(device))
  prepareRename(element, edit, { current: () => device, rename: actions.rename })
  show(first)
  return { element, show }
}

interface RenameParts extends Pick<CardActions, 'rename'> {
  current(): ClientDevice
}

function prepareRename(element: HTMLElement, edit: HTMLButtonElement, { current, rename }: RenameParts): void {
  const form = partOf(element, 'rename', HTMLFormElement)
  const input = form.querySelector('input')!
  const heading = element.querySelector('h3')!
  const id = `name-${current().sid}`
  input.id = id
  form.querySelector('label')!.htmlFor = id

  function toggle(isOpen: boolean): void {
    form.hidden = !isOpen
    heading.hidden = isOpen
    edit.hidden = isOpen
    if (!isOpen) return edit.focus()
    input.value = nameOf(current())
    return input.select()
  }

  edit.addEventListener('click', () => toggle(true))
  partOf(form, 'cancel', HTMLButtonElement).addEventListener('click', () => toggle(false))
  form.addEventListener('keydown', ({ key }) => {
    if (key === 'Escape') toggle(false)
  })
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    void rename(current(), input.value.trim()).then((isDone) => isDone && toggle(false))
  })
}
