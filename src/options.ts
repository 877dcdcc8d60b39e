/**
 * Refuses anything that is not an object of known options: a misspelt option must not silently weaken a login.
 * @throws TypeError naming the option.
 */
export function checkOptions(where: string, options: unknown, known: readonly string[]): void {
  if (options === undefined) return
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new TypeError(`${where} takes an object of options`)
  }
  for (const name of Object.keys(options)) {
    if (!known.includes(name)) throw new TypeError(`${where} has no option '${name}', only ${known.join(', ')}`)
  }
}

/** @throws TypeError unless the value is a non-empty well-formed string of at most `maximum` characters. */
export function checkText(name: string, value: unknown, maximum: number): string {
  if (
    typeof value !== 'string' ||
    value === '' ||
    value.length > maximum ||
    !value.isWellFormed() ||
    value.includes('\0')
  ) {
    throw new TypeError(`${name} must be a non-empty string of at most ${maximum} characters`)
  }
  return value
}

/** @throws TypeError unless the value is a whole number between the bounds. */
export function checkCount(name: string, value: unknown, minimum: number, maximum: number): number {
  if (!Number.isInteger(value) || (value as number) < minimum || (value as number) > maximum) {
    throw new TypeError(`${name} must be a whole number from ${minimum} to ${maximum}`)
  }
  return value as number
}

/** @throws TypeError unless the value is a text or a non-empty list of texts. Answers the list without repeats. */
export function checkTexts(name: string, value: unknown, maximum: number): readonly string[] {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value]
  if (list.length === 0 || list.length > 20) throw new TypeError(`${name} must hold 1 to 20 entries`)
  // Frozen, since sessions hand it out: an app that changes its copy must not change what is allowed.
  return Object.freeze([...new Set(list.map((entry) => checkText(name, entry, maximum)))])
}

/** @throws TypeError unless the value is one of the choices. */
export function checkChoice<Choice extends string>(name: string, value: unknown, choices: readonly Choice[]): Choice {
  const chosen = choices.find((choice) => choice === value)
  if (chosen === undefined) throw new TypeError(`${name} must be one of '${choices.join("', '")}'`)
  return chosen
}

/** @throws TypeError unless the value is one of the two. */
export function checkBoolean(name: string, value: unknown): boolean {
  if (typeof value !== 'boolean') throw new TypeError(`${name} must be true or false`)
  return value
}
