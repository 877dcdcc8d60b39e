import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { expect } from 'vitest'
import type { Library } from './simulated-process.js'

/** A text of one of the sources, and what takes its place. */
export type Defect = readonly [name: string, file: string, from: string, to: string]

/** Puts in one defect after another, and answers for each a line that says after how many histories it was found, and by what. */
export async function findDefects<Drawn>(
  defects: readonly Defect[],
  seed: number,
  histories: fc.Arbitrary<Drawn>,
  findBreach: (library: Library, drawn: Drawn) => Promise<string | null>,
): Promise<string[]> {
  const found: string[] = []
  for (const [name, file, from, to] of defects) {
    const broken = await loadWith(file, from, to)
    let runs = 0
    let breach: string | null = null
    const property = fc.asyncProperty(histories, async (drawn) => {
      runs += 1
      breach = await findBreach(broken.library, drawn)
      return breach === null
    })
    const { failed } = await fc
      .check(property, { numRuns: 100_000, seed, endOnFailure: true })
      .finally(() => broken.remove())
    found.push(failed ? `after ${runs} histories: ${name} (${breach})` : `NOT FOUND: ${name}`)
  }
  return found
}

/** The sources with one text replaced, in a copy beside the tests, so that their imports find the same packages. */
async function loadWith(
  file: string,
  from: string,
  to: string,
): Promise<{ library: Library; remove(): Promise<void> }> {
  const folder = await mkdtemp(fileURLToPath(new URL('../.mutant-', import.meta.url)))
  await cp(fileURLToPath(new URL('../../src', import.meta.url)), folder, { recursive: true })
  const path = `${folder}/${file}`
  const text = await readFile(path, 'utf8')
  expect(text.split(from), `${file} holds what the defect replaces`).toHaveLength(2)
  await writeFile(
    path,
    text.replace(from, () => to),
  )
  const [verbs, memory, errors] = (await Promise.all(
    ['sessions', 'memory-store', 'errors'].map((name) => import(`${folder}/${name}.ts`)),
  )) as [Library, Library, Library]
  return {
    library: {
      createSessions: verbs.createSessions,
      memoryStore: memory.memoryStore,
      isRollcallError: errors.isRollcallError,
    },
    remove: () => rm(folder, { recursive: true }),
  }
}
