import { isEngineName } from './engine.js'
import type { EngineName } from './engine.js'

export interface Choice {
  readonly chosen: EngineName[]
  readonly leftOut: EngineName[]
}

/**
 * Splits the engines by ROLLCALL_TEST_WITHOUT (all but those) and ROLLCALL_TEST_ENGINES (only those).
 * Throws in CI when one is left out, so that a green run there means all engines.
 */
export function chooseEngines(names: readonly EngineName[], environment: NodeJS.ProcessEnv = process.env): Choice {
  const without = readList('ROLLCALL_TEST_WITHOUT', environment) ?? []
  const only = readList('ROLLCALL_TEST_ENGINES', environment) ?? names
  const isChosen = (name: EngineName): boolean => only.includes(name) && !without.includes(name)
  const leftOut = names.filter((name) => !isChosen(name))
  if (leftOut.length > 0 && isCi(environment))
    throw new Error(`CI runs the tests on all engines: ${leftOut.join(', ')} left out`)
  return { chosen: names.filter(isChosen), leftOut }
}

function readList(variable: string, environment: NodeJS.ProcessEnv): EngineName[] | null {
  const words = (environment[variable] ?? '').split(',').map((word) => word.trim())
  const given = words.filter((word) => word !== '')
  const names = given.filter(isEngineName)
  if (names.length < given.length) throw new Error(`${variable} names an engine that is not known: ${given.join(', ')}`)
  return names.length === 0 ? null : names
}

function isCi({ CI }: NodeJS.ProcessEnv): boolean {
  return CI !== undefined && CI !== '' && CI !== 'false'
}
