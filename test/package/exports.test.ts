import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { expect, test } from 'vitest'

interface Manifest {
  readonly exports: Record<string, string | { types: string; default: string }>
  readonly dependencies: Record<string, string>
  readonly peerDependencies: Record<string, string>
}
const root = new URL('../../', import.meta.url)
const manifest = JSON.parse(await readFile(new URL('package.json', root), 'utf8')) as Manifest
const subpaths = Object.keys(manifest.exports).filter((subpath) => subpath !== './package.json')

const names: Record<string, string[]> = {
  '.': [
    'RollcallError',
    'StoreDataError',
    'codes',
    'createKeyRing',
    'createSessions',
    'generateKeys',
    'isRollcallError',
  ],
  './postgres': ['postgresStore'],
  './mysql': ['mysqlStore'],
  './sqlite': ['sqliteStore'],
  './memory': ['memoryStore'],
  './client': ['createSessionClient'],
  './bus/postgres': ['postgresBus'],
  './bus/redis': ['redisBus'],
  './bus/nats': ['natsBus'],
  './http': ['fetchAuth', 'sessionRoutes'],
  './hono': ['honoAuth'],
  './express': ['expressAuth'],
  './fastify': ['fastifyAuth'],
  './live/socket-io': ['socketIoAuth'],
  './live/ws': ['wsAuth'],
  './opentelemetry': ['instrument'],
  './migrations': ['migrate', 'migrationSql', 'rollback', 'status'],
}

test('the package has exactly these subpaths', () => {
  expect(subpaths.toSorted()).toEqual([...Object.keys(names), './testing'].toSorted())
})

test.each(Object.entries(names))('%s exports %j by name, also for require()', async (subpath, expected) => {
  const specifier = `rollcall${subpath.slice(1)}`
  const imported = (await import(specifier)) as object
  expect(Object.keys(imported).toSorted()).toEqual(expected)
  const required = createRequire(import.meta.url)(specifier) as object
  expect(
    Object.keys(required)
      .filter((name) => name !== '__esModule')
      .toSorted(),
  ).toEqual(expected)
})

test('./testing exports the suites for vitest', async () => {
  const testing = (await import('rollcall/testing')) as object
  expect(Object.keys(testing).toSorted()).toEqual(['createFakeClock', 'describeFramework', 'describeStore'])
})

/** What a module of ours loads at run time, through all of our own files. */
async function loadedPackages(file: URL, seen = new Set<string>()): Promise<Set<string>> {
  const packages = new Set<string>()
  if (seen.has(file.href)) return packages
  seen.add(file.href)
  const text = await readFile(file, 'utf8')
  for (const [, specifier] of text.matchAll(/^(?:import|export) (?:[\w*{}, \n$]+ from )?['"]([^'"]+)['"];?$/gm)) {
    if (!specifier!.startsWith('.')) packages.add(specifier!)
    else for (const name of await loadedPackages(new URL(specifier!, file), seen)) packages.add(name)
  }
  return packages
}

test.each(subpaths.filter((subpath) => subpath !== './testing'))(
  '%s loads nothing that is not a dependency, or the peer it is named after',
  async (subpath) => {
    const target = manifest.exports[subpath] as { default: string }
    const loaded = await loadedPackages(new URL(target.default, root))
    const allowed = new Set([...Object.keys(manifest.dependencies), 'node:crypto'])
    const own = subpath === './opentelemetry' ? ['@opentelemetry/api'] : []
    expect([...loaded].filter((name) => !allowed.has(name))).toEqual(own)
  },
)

test('the core loads no module of Node’s own, so that it runs elsewhere, too', async () => {
  const loaded = await loadedPackages(new URL('dist/src/index.js', root))
  expect([...loaded].toSorted()).toEqual(['bowser', 'jose', 'lru-cache'])
})

test('Knex, the drivers and what the subpaths are for are optional peers', () => {
  for (const name of [
    'knex',
    'pg',
    'mysql2',
    'better-sqlite3',
    'vitest',
    'hono',
    'express',
    'fastify',
    '@opentelemetry/api',
  ]) {
    expect(manifest.dependencies).not.toHaveProperty(name)
    expect(manifest.peerDependencies).toHaveProperty([name])
  }
})
