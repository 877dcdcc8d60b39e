import { access, mkdir, readFile, readdir, rename, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { openPlace } from './place.js'
import type { Program } from './recipe.js'
import { mysql } from './mysql.js'
import { runCommand } from './run-command.js'

const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg'

/**
 * MySQL itself from Debian unstable, unpacked into a cache folder: nothing is installed and nothing of the system changes.
 * Its libraries are newer than a stable system's, so it runs through the loader that comes with them.
 */
export async function unpackMysql(log: (line: string) => void): Promise<Program> {
  const cache = join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'rollcall')
  const root = join(cache, 'mysql-9')
  if (!(await isThere(root))) {
    if (!(await isThere(keyring))) throw new Error(`Debian's package needs ${keyring}, which is not here`)
    log('mysql: unpacking it from Debian unstable (about 50 MB to download)')
    await downloadInto(cache, root)
  }
  return describeProgram(root)
}

async function downloadInto(cache: string, root: string): Promise<void> {
  const place = await openPlace({ parent: cache, requiresUser: false })
  try {
    const unpacked = join(place.folder, 'root')
    const debs = join(place.folder, 'debs')
    await Promise.all([unpacked, debs].map((folder) => mkdir(folder)))
    await downloadPackages(place.folder, debs)
    for (const deb of await readdir(debs)) await runCommand('dpkg-deb', ['-x', join(debs, deb), unpacked])
    // Two runs may unpack at once: the rename is the one step that shows, and the later of the two fails.
    await rename(unpacked, root).catch(async (error: unknown) => {
      if (!(await isThere(root))) throw error
    })
  } finally {
    await place.close()
  }
}

async function downloadPackages(folder: string, debs: string): Promise<void> {
  const sources = join(folder, 'sources.list')
  const cache = join(folder, 'cache')
  const lists = join(folder, 'lists')
  await Promise.all(
    [join(lists, 'partial'), join(cache, 'archives/partial')].map((path) => mkdir(path, { recursive: true })),
  )
  await writeFile(sources, `deb [signed-by=${keyring}] ${await findMirror()} sid main\n`)
  const settings = [
    `Dir::Etc::SourceList=${sources}`,
    'Dir::Etc::SourceParts=/dev/null',
    `Dir::State::Lists=${lists}`,
    `Dir::Cache=${cache}`,
    'APT::Sandbox::User=root',
  ].flatMap((setting) => ['-o', setting])
  await runCommand('apt-get', [...settings, '-qq', 'update'])
  const names = await listDependencies(settings)
  await runCommand('sh', [
    '-c',
    'cd "$1" && shift && exec apt-get "$@"',
    'sh',
    debs,
    ...settings,
    '-qq',
    'download',
    ...names,
  ])
}

async function listDependencies(settings: readonly string[]): Promise<string[]> {
  const without = ['recommends', 'suggests', 'conflicts', 'breaks', 'replaces', 'enhances'].map(
    (kind) => `--no-${kind}`,
  )
  const output = await runCommand('apt-cache', [...settings, 'depends', '--recurse', ...without, 'mysql-server-core'])
  const names = output.split('\n').filter((line) => /^[a-z0-9]/.test(line) && !/perl|gdbm|libdb5/.test(line))
  return [...new Set(names)]
}

async function findMirror(): Promise<string> {
  const folder = '/etc/apt/sources.list.d'
  const paths = (await readdir(folder).catch(() => [])).map((name) => join(folder, name))
  for (const path of ['/etc/apt/sources.list', ...paths]) {
    const text = await readFile(path, 'utf8').catch(() => '')
    const mirror = /^(?:URIs:|deb)\s+(?:\[[^\]]*\]\s*)?(https?:\S*\/debian)\/?(?:\s|$)/m.exec(text)?.[1]
    if (mirror !== undefined) return mirror
  }
  return 'http://deb.debian.org/debian'
}

async function describeProgram(root: string): Promise<Program> {
  const library = await findEntry(join(root, 'usr/lib'), /-linux-gnu/)
  const loader = await findEntry(library, /^ld-linux.*\.so/).catch(() =>
    findEntry(join(root, 'usr/lib64'), /^ld-linux/),
  )
  const path = join(root, 'usr/sbin/mysqld')
  const command = [loader, '--library-path', `${library}:${join(root, 'usr/lib/mysql/private')}`, path] as const
  const version = mysql.readVersion(await runCommand(loader, [...command.slice(1), '--version']))
  if (version === null) throw new Error(`${path} is not MySQL; remove ${root} to unpack it again`)
  return {
    path,
    command: [...command],
    version,
    args: [`--basedir=${root}/usr`, `--lc-messages-dir=${root}/usr/share/mysql`],
  }
}

async function findEntry(folder: string, pattern: RegExp): Promise<string> {
  const name = (await readdir(folder)).find((entry) => pattern.test(entry))
  if (name === undefined) throw new Error(`${folder} holds nothing like ${pattern.source}`)
  return join(folder, name)
}

function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
