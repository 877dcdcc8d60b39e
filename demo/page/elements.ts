/** The element of the page with this id. */
export function byId<Type extends Element>(id: string, type: new () => Type): Type {
  const element = document.querySelector(`#${id}`)
  if (!(element instanceof type)) throw new TypeError(`the page has no ${type.name} #${id}`)
  return element
}

/** The part of a copied template with this name. */
export function partOf<Type extends Element>(owner: Element, name: string, type: new () => Type): Type {
  const element = owner.querySelector(`[data-part="${name}"]`)
  if (!(element instanceof type)) throw new TypeError(`the template has no ${type.name} ${name}`)
  return element
}

/** A new element with this text: names of devices come from users, and are never markup. */
export function createText<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  text: string,
  className = '',
): HTMLElementTagNameMap[Name] {
  const element = document.createElement(name)
  element.textContent = text
  element.className = className
  return element
}

export function createIcon(name: string): SVGSVGElement {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg')
  const use = document.createElementNS('http://www.w3.org/2000/svg', 'use')
  use.setAttribute('href', `#icon-${name}`)
  svg.setAttribute('aria-hidden', 'true')
  svg.append(use)
  return svg
}

/** Shows the text, or nothing. */
export function showText(element: HTMLElement, text: string | null): void {
  // What did not change is not read out again.
  if (element.textContent !== (text ?? '')) element.textContent = text
  element.hidden = text === null
}

/** Runs what a button does, once at a time. */
export function onPress(button: HTMLButtonElement, act: () => Promise<unknown>): void {
  button.addEventListener('click', () => {
    if (button.ariaDisabled === 'true') return
    // Not `disabled`: that would take the focus away.
    button.ariaDisabled = 'true'
    void act().finally(() => {
      button.ariaDisabled = null
    })
  })
}
