// Without this import the augmentation below does not find its module.
import type { TestProject } from 'vitest/node'
import { engineNames, findChromium, startEngines } from './index.js'
import type { EngineName } from './index.js'

declare module 'vitest' {
  interface ProvidedContext {
    /** The URL of each server; null for one that was left out. */
    engines: Record<EngineName, string | null>
    /** The browser's binary; null where there is none, and then why. */
    chromium: { path: string | null; source: string }
  }
}

/** Starts the engines for a whole run of vitest; the function it resolves to stops them. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const print = (line: string): void => project.vitest.logger.log(line)
  const chromium = await findChromium({ log: print })
  const { engines, leftOut, stop } = await startEngines(engineNames, { log: print })
  const urls = Object.fromEntries(engineNames.map((name) => [name, null])) as Record<EngineName, string | null>
  for (const { name, url, version, source } of engines) {
    urls[name] = url
    print(`${name.padEnd(10)} ${version.padEnd(10)} ${source}`)
  }
  for (const name of leftOut) print(`${name.padEnd(10)} left out`)
  print(`${'chromium'.padEnd(10)} ${chromium.version.padEnd(10)} ${chromium.source}`)
  project.provide('engines', urls)
  project.provide('chromium', { path: chromium.path, source: chromium.source })
  return stop
}
