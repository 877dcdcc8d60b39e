import { readdir, realpath } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import type { Program, Recipe } from './recipe.js'
import { runCommand } from './run-command.js'
import { compareVersions, isAtLeast } from './versions.js'

// A star stands for a part of one folder's name.
const usualFolders = [
  '/usr/lib/postgresql/*/bin',
  '/usr/pgsql-*/bin',
  '/usr/bin',
  '/usr/sbin',
  '/usr/libexec',
  '/usr/local/bin',
  '/usr/local/sbin',
  '/usr/local/pgsql/bin',
  '/usr/local/mysql/bin',
  '/usr/local/opt/*/bin',
  '/opt/homebrew/bin',
  '/opt/homebrew/sbin',
  '/opt/homebrew/opt/*/bin',
  '/Applications/Postgres.app/Contents/Versions/*/bin',
  '/opt/google/chrome',
  '/Applications/Google Chrome.app/Contents/MacOS',
  '/Applications/Chromium.app/Contents/MacOS',
]

/** The newest fitting binary on this machine. Throws an error that names those that don't fit. */
export async function findProgram({
  binaries,
  oldest,
  readVersion,
}: Pick<Recipe, 'binaries' | 'oldest' | 'readVersion'>): Promise<Program> {
  const found: { path: string; version: string }[] = []
  for (const path of await listBinaries(binaries)) {
    // The name says nothing: Debian's mysqld is MariaDB. A binary that can't run says nothing either.
    const output = await runCommand(path, ['--version'], 10_000).catch(() => '')
    const version = readVersion(output)
    if (version !== null) found.push({ path, version })
  }
  const [newest] = found.toSorted((left, right) => compareVersions(right.version, left.version))
  if (newest === undefined) throw new Error('no binary of it is on this machine')
  if (isAtLeast(newest.version, oldest)) return { ...newest, command: [newest.path], args: [] }
  throw new Error(`${newest.path} is ${newest.version}, older than ${oldest}`)
}

async function listBinaries(names: readonly string[]): Promise<Set<string>> {
  const onPath = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '')
  const usual = await Promise.all(usualFolders.map(expandStar))
  const candidates = [...onPath, ...usual.flat()].flatMap((folder) => names.map((name) => join(folder, name)))
  const paths = await Promise.all(candidates.map((path) => realpath(path).catch(() => null)))
  return new Set(paths.filter((path) => path !== null))
}

async function expandStar(pattern: string): Promise<string[]> {
  const [, parent, prefix, rest] = /^(.*\/)([^/*]*)\*(.*)$/.exec(pattern) ?? []
  if (parent === undefined || prefix === undefined || rest === undefined) return [pattern]
  const names = await readdir(parent).catch(() => [])
  return names.filter((name) => name.startsWith(prefix)).map((name) => join(parent, name, rest))
}
