import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** What each folder must not hold: the file, its text, and the rule that refuses it. */
const forbidden: [string, string, string][] = [
  ['src/to-adapter.ts', "export * from '../adapters/sql/store.js'", 'no-restricted-imports'],
  ['src/to-migrations.ts', "export * from '../migrations/index.js'", 'no-restricted-imports'],
  ['src/to-knex.ts', "export * from 'knex'", 'no-restricted-imports'],
  ['src/to-type-of-knex.ts', "export type { Knex } from 'knex'", 'no-restricted-imports'],
  ['src/to-node.ts', "export * from 'node:net'", 'no-restricted-imports'],
  ['src/to-hono.ts', "export * from 'hono'", 'no-restricted-imports'],
  ['src/to-jose.ts', "export * from 'jose'", 'no-restricted-imports'],
  ['src/tokens/to-knex.ts', "export * from 'knex'", 'no-restricted-imports'],
  ['src/clock.ts', 'export const now = Date.now()', 'no-restricted-properties'],
  ['src/timer.ts', 'setTimeout(() => {}, 1)', 'no-restricted-globals'],
  ['src/random.ts', 'export const random = Math.random()', 'no-restricted-properties'],
  ['src/environment.ts', 'export const home = process.env', 'no-restricted-globals'],
  ['src/console.ts', "console.log('x')", 'no-console'],
  ['src/default.ts', 'export default 1', 'no-default-export'],
  ['src/one.ts', "import { two } from './two.js'\nexport const one = (): unknown => two", 'no-cycle'],
  ['adapters/sql/clock.ts', 'export const now = Date.now()', 'no-restricted-properties'],
  ['adapters/sql/timer.ts', 'setTimeout(() => {}, 1)', 'no-restricted-globals'],
  ['adapters/sql/to-demo.ts', "export * from '../../demo/app.js'", 'no-restricted-imports'],
  ['adapters/sql/to-adapter.ts', "export * from '../hono/index.js'", 'no-restricted-imports'],
  ['migrations/to-src.ts', "export * from '../src/index.js'", 'no-restricted-imports'],
  ['migrations/to-adapters.ts', "export * from '../adapters/sql/store.js'", 'no-restricted-imports'],
  ['demo/to-src.ts', "export * from '../src/index.js'", 'no-restricted-imports'],
]

/** What the rules must let pass, so that they are not simply refusing everything. */
const allowed: [string, string][] = [
  ['src/fine.ts', "export * from './ports/clock.js'"],
  ['src/tokens/fine.ts', "export * from 'jose'"],
  ['src/two.ts', "import { one } from './one.js'\nexport const two = (): unknown => one"],
  ['adapters/sql/fine.ts', "export * from '../../src/errors.js'\nexport type { Knex } from 'knex'"],
  ['demo/fine.ts', "export * from 'rollcall'"],
]

let folder: string
let report: { filename: string; code: string }[]

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rollcall-lint-'))
  await cp(join(root, '.oxlintrc.json'), join(folder, '.oxlintrc.json'))
  for (const [file, text] of [...forbidden, ...allowed]) {
    await mkdir(dirname(join(folder, file)), { recursive: true })
    await writeFile(join(folder, file), `${text}\n`)
  }
  const output = await new Promise<string>((resolve) => {
    const linter = join(root, 'node_modules', '.bin', 'oxlint')
    execFile(linter, ['--format', 'json'], { cwd: folder }, (_, stdout) => resolve(stdout))
  })
  report = (JSON.parse(output) as { diagnostics: { filename: string; code: string }[] }).diagnostics
})
afterAll(() => rm(folder, { recursive: true }))

test.each(forbidden)('the linter refuses %s: %s', (file, _, rule) => {
  const codes = report.filter(({ filename }) => filename === file).map(({ code }) => code)
  expect(codes.some((code) => code.includes(rule))).toBe(true)
})

test.each(allowed.filter(([file]) => file !== 'src/two.ts'))('the linter lets %s pass', (file) => {
  expect(report.filter(({ filename }) => filename === file)).toEqual([])
})

test('no source reads the clock by new Date(), which the linter has no rule for', async () => {
  const readers: string[] = []
  for (const folder of ['src', 'adapters', 'migrations']) {
    for (const file of await readdir(join(root, folder), { recursive: true })) {
      if (file.endsWith('.ts') && (await readFile(join(root, folder, file), 'utf8')).includes('new Date()'))
        readers.push(file)
    }
  }
  expect(readers).toEqual([])
})
