import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import type { Sessions } from '../../src/sessions.js'
import type { TokenPair } from '../../src/token-pair.js'
import { openPage } from './open-page.js'
import { root } from './read-page.js'

const run = promisify(execFile)

test('docs/security.md sets the lifetimes of AAL2, and of AAL3 for one login (ASVS 7.1.1)', async () => {
  const page = await openPage('docs/security.md')
  const { sessions, lifetimes, logInWithKey } = await page.load<{
    sessions: Sessions
    lifetimes: object
    logInWithKey(userId: string): Promise<TokenPair>
  }>('page.ts')
  expect(lifetimes).toEqual({ accessToken: 600_000, session: 86_400_000, idle: 3_600_000 })
  const { session } = await logInWithKey('alice')
  expect(session.expiresAt.getTime() - session.createdAt.getTime()).toBe(12 * 3_600_000)
  expect(session.idleExpiresAt.getTime() - session.createdAt.getTime()).toBe(15 * 60_000)
  await sessions.close()
  await page.close()
})

test('docs/security.md names all of V7 and V9, each requirement with a test or a reason', async () => {
  const page = await readFile(join(root, 'docs/security.md'), 'utf8')
  const rows = [...page.matchAll(/^\| (\d+\.\d+\.\d+) \|.*\| (.*) \|$/gm)].map(([, id = '', proof = '']) => ({
    id,
    proof,
  }))
  const countOf = (part: string): number => rows.filter(({ id }) => id.startsWith(part)).length
  expect([
    countOf('7.1.'),
    countOf('7.2.'),
    countOf('7.3.'),
    countOf('7.4.'),
    countOf('7.5.'),
    countOf('7.6.'),
  ]).toEqual([3, 4, 2, 5, 3, 2])
  expect([countOf('9.1.'), countOf('9.2.')]).toEqual([3, 4])
  expect(rows.filter(({ proof }) => proof.length < 10)).toEqual([])
  expect(new Set(rows.map(({ id }) => id)).size).toBe(rows.length)
})

describe('the page of requirements is not written', () => {
  /** What building it from one test file of these lines says. */
  async function complaintAbout(...lines: string[]): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), 'rollcall-security-'))
    await writeFile(join(folder, 'some.test.ts'), lines.join('\n'))
    const tool = pathToFileURL(join(root, 'tools/security-page.mjs')).href
    const code = `const { securityPage } = await import('${tool}'); await securityPage(new URL('${pathToFileURL(folder).href}/'))`
    const failed = await run(process.execPath, ['--input-type=module', '-e', code]).catch((error: unknown) => error)
    await rm(folder, { recursive: true })
    expect(failed).toMatchObject({ code: 1 })
    return (failed as { stderr: string }).stderr
  }
  // Else this file's own titles would name them.
  const standard = 'ASVS'
  const tag = (ids: string): string => `(${standard} ${ids})`

  test('where a requirement of the library has neither a test nor a reason', async () => {
    expect(await complaintAbout()).toContain('7.4.1 has neither a test nor a reason')
    const told = await complaintAbout(`test('a logout ends the session (RFC 1; ${standard} 7.3.1, 7.4.1)', () => {})`)
    expect(told).not.toContain('7.4.1 has')
    expect(told).not.toContain('7.3.1 has')
  })

  test('where a title names an unknown requirement', async () => {
    expect(await complaintAbout(`test("a user's logout ${tag('7.4.9')}", () => {})`)).toContain(
      '7.4.9 is no requirement',
    )
  })

  test('where what names a requirement is no title that ends with it', async () => {
    const told = await complaintAbout('', `test('${tag('7.4.1')} a logout', () => {})`)
    expect(told).toContain('some.test.ts:2 names a requirement')
  })

  test('where a reason for having no test has outlived its time', async () => {
    const told = await complaintAbout(`  test(\`in \${count} rounds a federation ${tag('7.1.3')}\`, () => {})`)
    expect(told).toContain('7.1.3 has a test: take the reason')
  })
})
