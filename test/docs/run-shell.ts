import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { readPage } from './read-page.js'

const run = promisify(execFile)

/** Runs the `sh` blocks of a page that make keys, in a folder where the package is installed; resolves to what they print. */
export async function makeKeys(path: string, folder: string): Promise<string[]> {
  const blocks = readPage(path).blocks.filter(({ language, code }) => language === 'sh' && code.startsWith('node -e '))
  return Promise.all(blocks.map(async ({ code }) => (await run('sh', ['-c', code], { cwd: folder })).stdout))
}
