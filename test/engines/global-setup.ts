// Without this import the augmentation below does not find its module.
import type { TestProject } from 'vitest/node'
import { engineNames, startEngines } from './index.js'
import type { EngineName } from './index.js'

declare module 'vitest' {
  interface ProvidedContext {
    /** The URL of each server; null for one that was left out. */
    engines: Record<EngineName, string | null>
  }
}

/** Starts the engines for a whole run of vitest; the function it resolves to stops them. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const print = (line: string): void => project.vitest.logger.log(line)
  const { engines, leftOut, stop } = await startEngines(engineNames, { log: print })
  const urls = Object.fromEntries(engineNames.map((name) => [name, null])) as Record<EngineName, string | null>
  for (const { name, url, version, source } of engines) {
    urls[name] = url
    print(`${name.padEnd(10)} ${version.padEnd(10)} ${source}`)
  }
  for (const name of leftOut) print(`${name.padEnd(10)} left out`)
  project.provide('engines', urls)
  return stop
}
