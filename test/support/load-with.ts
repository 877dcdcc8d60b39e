import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { expect } from 'vitest'
import type { Library } from './simulated-nodes.js'

/** The sources with one text replaced, in a copy beside the tests, so that their imports find the same packages. */
export async function loadWith(
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
