import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createKeyRing } from '../../src/index.js'
import { openPage, type OpenPage } from './open-page.js'
import { readPage } from './read-page.js'
import { makeKeys } from './run-shell.js'

const run = promisify(execFile)

describe('README.md', () => {
  let page: OpenPage
  beforeAll(async () => {
    page = await openPage('README.md')
  })
  afterAll(() => page.close(['page.ts']))

  test('begins with what this is', () => {
    const [line] = readPage('README.md').prose.split('\n')
    expect(line).toBe(
      '**Real logout for JWTs. Log out one device, or every device, on the SQL database you already have.**',
    )
  })

  test('has a program of twelve lines that runs as it is, and prints what the page says', async () => {
    const program = readPage('README.md').blocks.find(({ language }) => language === 'ts')
    expect(program?.code.trim().split('\n')).toHaveLength(12)
    await writeFile(join(page.folder, 'try.mjs'), program!.code)
    const { stdout } = await run(process.execPath, ['try.mjs'], { cwd: page.folder })
    expect(stdout).toBe('phone is out: session_ended\n')
  })

  test('has a command that makes keys', async () => {
    const printed = await makeKeys('README.md', page.folder)
    expect(printed).toHaveLength(1)
    expect((await createKeyRing(printed[0])).jwks().keys).toHaveLength(1)
  })
})
