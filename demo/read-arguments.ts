import { parseArgs } from 'node:util'
import { frameworkChoices, frameworks, type FrameworkName } from './frameworks/index.js'

/** What the command line may set. */
export interface Arguments {
  /** `--framework`. Default `hono`. */
  readonly framework: FrameworkName
}

/** @throws Error naming the choices. */
export function readArguments(
  given: readonly string[] = process.argv.slice(2),
  environment: NodeJS.ProcessEnv = process.env,
): Arguments {
  // Without the --, npm keeps the option to itself.
  if (environment['npm_config_framework'] !== undefined)
    throw new Error(choices, { cause: 'npm start -- --framework …' })
  const { framework } = parse(given)
  if (!Object.hasOwn(frameworks, framework)) throw new Error(choices, { cause: `not '${framework}'` })
  return { framework: framework as FrameworkName }
}

const choices = `the one option is ${frameworkChoices}`

function parse(given: readonly string[]): { readonly framework: string } {
  try {
    return parseArgs({ args: [...given], options: { framework: { type: 'string', default: 'hono' } } }).values
  } catch (error) {
    throw new Error(choices, { cause: error })
  }
}
