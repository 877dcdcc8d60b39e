import { chooseEngines } from './choose-engines.js'
import type { StartOptions } from './engine.js'
import { findProgram } from './find-program.js'
import { installPackage } from './install-packages.js'
import type { Recipe } from './recipe.js'
import { messageOf, runCommand } from './run-command.js'

export interface Chromium {
  /** `null` where there is none. */
  readonly path: string | null
  readonly version: string
  /** Where it is from, or why there is none. */
  readonly source: string
}

const variable = 'ROLLCALL_TEST_CHROMIUM'

const recipe: Pick<Recipe, 'binaries' | 'oldest' | 'readVersion'> = {
  binaries: ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'Google Chrome', 'Chromium'],
  oldest: '120',
  readVersion: (output) => /^(?:Chromium|Google Chrome) (\d+(?:\.\d+)*)/m.exec(output)?.[1] ?? null,
}

/**
 * The browser of the tests in `test/browser/`: the one that is named, else one of this machine, else Debian's. Where there
 * is none these tests are skipped, and say why: a browser is much to ask of a machine that only runs the server's tests.
 */
export async function findChromium({ log = () => {} }: Pick<StartOptions, 'log'> = {}): Promise<Chromium> {
  if (chooseEngines(['chromium']).chosen.length === 0) return { path: null, version: '', source: 'left out' }
  const given = process.env[variable]
  if (given !== undefined && given !== '') return useGiven(given)
  const failures: string[] = []
  for (const install of [false, true]) {
    try {
      if (install) {
        log('chromium: installing the Debian package chromium')
        await installPackage('chromium')
      }
      const { path, version } = await findProgram(recipe)
      return { path, version, source: path }
    } catch (error) {
      failures.push(messageOf(error))
    }
  }
  const reasons = [...failures, `${variable} names none`].join('; ')
  return { path: null, version: '', source: `not here, and its tests are skipped: ${reasons}` }
}

/** A browser that was asked for and can't run is an error, as a server is. */
async function useGiven(path: string): Promise<Chromium> {
  const version = recipe.readVersion(await runCommand(path, ['--version'], 10_000).catch(() => ''))
  if (version === null) throw new Error(`${variable} is no Chromium that runs: ${path}`)
  return { path, version, source: `given by ${variable}` }
}
