import { byId, showText } from './elements.js'
import type { Ending } from './endings.js'

const notice = byId('notice', HTMLElement)
const title = byId('notice-title', HTMLElement)
const text = byId('notice-text', HTMLElement)
const toast = byId('toast', HTMLElement)
let timer: ReturnType<typeof setTimeout> | undefined

/** Says why nobody is logged in any more, and takes the focus: what had it is gone. */
export function showEnding(ending: Ending | null): void {
  notice.hidden = ending === null
  if (ending === null) return
  // What was said of another device before could be read as the reason.
  toast.textContent = ''
  notice.classList.toggle('plain', ending.isOwn)
  notice.querySelector('use')?.setAttribute('href', ending.isOwn ? '#icon-check' : '#icon-warning')
  showText(title, ending.title)
  showText(text, ending.text)
  scrollTo(0, 0)
  notice.focus({ preventScroll: true })
}

/** Says for a moment what was done. */
export function showToast(message: string): void {
  toast.textContent = message
  clearTimeout(timer)
  timer = setTimeout(() => (toast.textContent = ''), 7_000)
}
