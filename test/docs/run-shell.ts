import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { readPage, root, type Block } from './read-page.js'

const run = promisify(execFile)

/** Runs the `sh` blocks of a page that make keys and secrets, in a folder where the package is installed; resolves to what they print. */
export async function makeKeys(path: string, folder: string): Promise<string[]> {
  const blocks = readPage(path).blocks.filter(
    ({ language, code }) => language === 'sh' && /^(node -e|openssl rand) /.test(code),
  )
  return Promise.all(blocks.map(async ({ code }) => (await run('sh', ['-c', code], { cwd: folder })).stdout))
}

/** Whether a block talks to the demo: then its page's own test runs it. */
export function talksToDemo({ language, code }: Block): boolean {
  return language === 'sh' && /\b(curl|refresh) /.test(code)
}

/** A block that talks to the demo, what it printed, and what the page says that it prints. */
export interface Talk {
  readonly place: string
  readonly printed: string
  readonly promised: string
}

/** Runs those blocks of a page one after the other in one shell, which runs `first` before them. */
export async function talkToDemo(
  path: string,
  url: string,
  { first, replace }: { readonly first: string; readonly replace: Readonly<Record<string, string>> },
): Promise<Talk[]> {
  const { blocks } = readPage(path)
  const talks = blocks.flatMap((block, at) => (talksToDemo(block) ? [{ block, next: blocks[at + 1] }] : []))
  const mark = '--- the next block ---'
  const lines = talks.map(({ block }) => block.code).join(`echo '${mark}'\n`)
  const script = Object.entries({ ...replace, 'http://127.0.0.1:3000': url }).reduce(
    (text, [from, to]) => text.replaceAll(from, to),
    lines,
  )
  const { stdout, stderr } = await run('sh', ['-euc', `${first}\n${script}`], { cwd: root })
  if (stderr !== '') throw new Error(`${path} prints errors: ${stderr}`)
  const printed = stdout.split(`${mark}\n`)
  return talks.map(({ block, next }, at) => ({
    place: block.place,
    printed: printed[at] ?? '',
    promised: next?.language === 'text' ? next.code : '',
  }))
}
