import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** The top folder of the repository. */
export const root: string = fileURLToPath(new URL('../../', import.meta.url))

/** Every page that is written for people, by its path from the top folder. */
export const pagePaths: readonly string[] = ['', 'docs/'].flatMap((folder) =>
  readdirSync(root + folder)
    .filter((name) => name.endsWith('.md'))
    .map((name) => folder + name),
)

/** One fenced block of a page. */
export interface Block {
  /** `docs/concepts.md:12`. */
  readonly place: string
  /** The first word behind the fence, such as `ts` or `sql`; empty when there is none. */
  readonly language: string
  /** The words after it, such as an engine. */
  readonly words: readonly string[]
  readonly code: string
}

export interface Page {
  readonly path: string
  /** Without its blocks. */
  readonly prose: string
  readonly blocks: readonly Block[]
}

const fence = /^```(.*)\n([\s\S]*?)^```$\n?/gm

/** @throws Error for a fence that would be left out: indented, or never closed */
export function readPage(path: string): Page {
  const text = readFileSync(root + path, 'utf8')
  const blocks = [...text.matchAll(fence)].map(({ index, 1: info = '', 2: code = '' }): Block => {
    const [language = '', ...words] = info.trim().split(/\s+/)
    return { place: `${path}:${text.slice(0, index).split('\n').length}`, language, words, code }
  })
  const prose = text.replaceAll(fence, '')
  if (/^\s*(```|~~~)/m.test(prose)) throw new Error(`${path} has a fence that is indented, not closed or made of ~`)
  return { path, prose, blocks }
}
