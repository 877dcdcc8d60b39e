/** For how long who has touched the page is taken to be there, in milliseconds. */
const lapse = 60_000

let touchedAt = Date.now()
let waiting: (() => void) | null = null

for (const name of ['pointerdown', 'pointermove', 'keydown', 'focus'])
  addEventListener(name, noteTouch, { capture: true, passive: true })

/**
 * Does this when somebody is there: now, or at their next touch. For requests that count as use of the session: a page
 * that lies open must not keep itself logged in.
 */
export function whenPresent(act: () => void): void {
  if (Date.now() - touchedAt < lapse) return act()
  waiting = act
  return undefined
}

function noteTouch(): void {
  touchedAt = Date.now()
  const act = waiting
  waiting = null
  act?.()
}
