import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { root } from './read-page.js'

const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  name: string
  version: string
  scripts: Record<string, string>
  peerDependencies: Record<string, string>
}

/** Fails unless every command of a line is one of ours: a script, a file, a package or a variable that exists. */
export function checkCommand(line: string): void {
  for (const command of line.split('&&')) checkOne(command.trim())
}

function checkOne(command: string): void {
  // Run by the page's own test.
  if (command.startsWith('node -e ') || command === 'openssl rand -base64 32') return
  const words = command.split(/\s+/)
  while (/^[A-Z_]+=/.test(words[0] ?? '')) checkVariable(words.shift()!.split('=')[0]!)
  const [program, verb, ...rest] = words
  if (program === 'npm' && (verb === 'ci' || verb === 'pack')) return expect(rest).toEqual([])
  if (program === 'npm' && (verb === 'test' || verb === 'start')) return expect(manifest.scripts).toHaveProperty([verb])
  if (program === 'npm' && verb === 'run') return expect(manifest.scripts).toHaveProperty([rest[0] ?? ''])
  if (program === 'npm' && verb === 'install') return rest.forEach(checkPackage)
  if (program === 'npx' && verb === 'vitest' && rest.shift() === 'run')
    return rest.forEach((path) => expect(existsSync(join(root, path)), path).toBe(true))
  expect.unreachable(`test/docs knows no way to check: ${command}`)
}

function checkPackage(name: string): void {
  const archive = `${manifest.name}-${manifest.version}.tgz`
  if (name.endsWith('.tgz')) expect(name.split('/').at(-1)).toBe(archive)
  else expect(manifest.peerDependencies).toHaveProperty([name])
}

function checkVariable(name: string): void {
  const files = ['test/engines', 'demo'].flatMap((folder) =>
    readdirSync(join(root, folder), { withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(root, folder, entry.name)),
  )
  const isRead = files.some((file) => readFileSync(file, 'utf8').includes(name))
  expect(isRead, `${name} is read by the tests or the demo`).toBe(true)
}
