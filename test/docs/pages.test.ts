import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { checkCommand } from './check-command.js'
import { pagePaths, readPage, root } from './read-page.js'
import { talksToDemo } from './run-shell.js'

const pages = pagePaths.map(readPage)
const blocks = pages.flatMap((page) => page.blocks)
const engines = ['postgres', 'mysql', 'sqlite']

/** What becomes of a block, by its language. Anything else fails. */
const languages: Readonly<Record<string, string>> = {
  ts: "type-checked and run by the page's own test",
  sh: 'run, or its commands are shown to exist',
  sql: "run by the page's own test, on the engines it names",
  json: 'parsed',
  mermaid: 'a diagram',
  text: 'not code',
}

describe('the blocks of the pages', () => {
  test.each(blocks.map((block) => [block.place, block.language, block]))('%s is %s', (_, language, block) => {
    expect(languages).toHaveProperty([language])
    if (language === 'json') JSON.parse(block.code)
    if (language === 'mermaid') expect(block.code).toMatch(/^stateDiagram-v2\n/)
    if (language === 'sql') for (const word of block.words) expect(engines).toContain(word)
    else expect(block.words).toEqual([])
    if (language === 'sh' && !talksToDemo(block)) for (const line of block.code.trim().split('\n')) checkCommand(line)
  })

  test.each(
    pages.filter((page) => page.blocks.some((block) => ['ts', 'sql'].includes(block.language) || talksToDemo(block))),
  )('of $path have a test that runs them', ({ path }) => {
    const name = path.replace(/^docs\//, '').replace(/\.md$/, '')
    expect(existsSync(join(root, 'test/docs', `${name.toLowerCase()}.test.ts`))).toBe(true)
  })
})

describe('the links of the pages', () => {
  const links = pages.flatMap(({ path, prose }) =>
    [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => [path, target] as const),
  )

  test.each(links.filter(([, target]) => !/^[a-z]+:/.test(target)))('in %s, %s leads somewhere', (path, target) => {
    const [file = '', anchor] = target.split('#')
    const found = file === '' ? path : join(dirname(path), file)
    expect(existsSync(join(root, found)), `${found} exists`).toBe(true)
    if (anchor !== undefined) expect(anchorsOf(found)).toContain(anchor)
  })

  test('out of the repository are https', () => {
    expect(links.filter(([, target]) => /^[a-z]+:/.test(target) && !target.startsWith('https://'))).toEqual([])
  })
})

/** As GitHub makes them. */
function anchorsOf(path: string): string[] {
  return [...readPage(path).prose.matchAll(/^#+ (.*)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(/\s/g, '-'),
  )
}

describe('the public names', () => {
  const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    exports: Record<string, string | { types: string }>
  }
  const names = Object.entries(exports).flatMap(([subpath, entry]) =>
    typeof entry === 'string' ? [] : exportsOf(join(root, entry.types)).map((name) => [subpath, name] as const),
  )

  test.each(names)('of %s: %s is in the docs', (_, name) => {
    const text = pages
      .filter(({ path }) => path.startsWith('docs/'))
      .flatMap(({ prose, blocks }) => [prose, ...blocks.map(({ code }) => code)])
      .join('\n')
    expect(text).toMatch(new RegExp(`\\b${name}\\b`))
  })

  test.each(Object.keys(exports))('%s is in the reference', (subpath) => {
    if (subpath === './package.json') return
    expect(readPage('docs/reference.md').prose).toContain(`\`${subpath.replace('.', 'rollcall')}\``)
  })
})

function exportsOf(declarations: string): string[] {
  const text = readFileSync(declarations, 'utf8')
  expect(text).not.toMatch(/^export \*/m)
  const declared = [...text.matchAll(/^export (?:declare )?(?:function|const|class|interface|type) (\w+)/gm)]
  const listed = [...text.matchAll(/^export (?:type )?\{([^}]*)\}/gm)].flatMap(([, list = '']) => list.split(','))
  return [
    ...declared.map(([, name = '']) => name),
    ...listed.map((entry) => entry.replace(/^\s*type /, '').trim()).filter((name) => name !== ''),
  ]
}

describe('docs/errors.md, docs/performance.md and docs/security.md', () => {
  test('are what npm run docs writes', () => {
    execFileSync(process.execPath, [join(root, 'tools/generate-docs.mjs'), '--check'], { stdio: 'pipe' })
  })

  test('tell of no code that is never thrown', () => {
    const folders = ['src', 'src/http', 'src/tokens', 'adapters/sql']
    const sources = folders
      .flatMap((folder) => readdirSync(join(root, folder)).map((name) => join(folder, name)))
      .filter((path) => path.endsWith('.ts') && path !== join('src', 'errors.ts'))
      .map((path) => readFileSync(join(root, path), 'utf8'))
    const told = [...readPage('docs/errors.md').prose.matchAll(/^\| \[`(\w+)`/gm)].map(([, code = '']) => code)
    expect(told).toContain('refresh_token_reused')
    expect(told.filter((code) => !sources.some((source) => source.includes(`'${code}'`)))).toEqual([])
  })
})
