import { readFile } from 'node:fs/promises'

/** Such as `jose 6.2.17`, of what these benchmarks run with. */
export function packageVersions(names: readonly string[]): Promise<string[]> {
  return Promise.all(names.map(async (name) => `${name} ${await versionOf(name)}`))
}

async function versionOf(name: string): Promise<string> {
  const places = ['node_modules', '../node_modules'].map(
    (folder) => new URL(`${folder}/${name}/package.json`, import.meta.url),
  )
  for (const place of places) {
    const text = await readFile(place, 'utf8').catch(() => null)
    if (text !== null) return (JSON.parse(text) as { version: string }).version
  }
  throw new Error(`${name} is not installed`)
}
