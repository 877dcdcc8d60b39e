import { byId, showText } from './elements.js'

export interface Question {
  readonly title: string
  /** What will happen. */
  readonly text: string
  /** What the button says. */
  readonly action: string
}

const dialog = byId('confirm', HTMLDialogElement)
const yes = byId('confirm-yes', HTMLButtonElement)

/** Asks; whoever leaves by Escape has said no. The browser gives the focus back. */
export function confirmAction({ title, text, action }: Question): Promise<boolean> {
  showText(byId('confirm-title', HTMLElement), title)
  showText(byId('confirm-text', HTMLElement), text)
  showText(yes, action)
  dialog.returnValue = 'no'
  dialog.showModal()
  return new Promise((resolve) => {
    dialog.addEventListener('close', () => resolve(dialog.returnValue === 'yes'), { once: true })
  })
}

/** For who is no longer logged in. */
export function leaveQuestion(): void {
  if (dialog.open) dialog.close('no')
}
