import { isPartName } from './engine.js'
import type { PartName } from './engine.js'

export interface Choice<Name extends PartName> {
  readonly chosen: Name[]
  readonly leftOut: Name[]
}

/**
 * Splits the engines by ROLLCALL_TEST_WITHOUT (all but those) and ROLLCALL_TEST_ENGINES (only those).
 * Throws in CI when one is left out, so that a green run there means all engines.
 */
export function chooseEngines<Name extends PartName>(
  names: readonly Name[],
  environment: NodeJS.ProcessEnv = process.env,
): Choice<Name> {
  const without = readList('ROLLCALL_TEST_WITHOUT', environment) ?? []
  const only: readonly PartName[] = readList('ROLLCALL_TEST_ENGINES', environment) ?? names
  const isChosen = (name: Name): boolean => only.includes(name) && !without.includes(name)
  const leftOut = names.filter((name) => !isChosen(name))
  if (leftOut.length > 0 && isCi(environment))
    throw new Error(`CI runs the tests on all engines: ${leftOut.join(', ')} left out`)
  return { chosen: names.filter(isChosen), leftOut }
}

function readList(variable: string, environment: NodeJS.ProcessEnv): PartName[] | null {
  const words = (environment[variable] ?? '').split(',').map((word) => word.trim())
  const given = words.filter((word) => word !== '')
  const names = given.filter(isPartName)
  if (names.length < given.length) throw new Error(`${variable} names an engine that is not known: ${given.join(', ')}`)
  return names.length === 0 ? null : names
}

function isCi({ CI }: NodeJS.ProcessEnv): boolean {
  return CI !== undefined && CI !== '' && CI !== 'false'
}
