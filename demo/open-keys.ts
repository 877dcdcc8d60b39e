import { randomUUID } from 'node:crypto'
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { createKeyRing, generateKeys, type KeyRing } from 'rollcall'
import { describeError } from './describe-error.js'

/**
 * Reads the signing keys from their file, which the first start makes. A damaged file is never replaced: that would
 * end every session without a word.
 */
export async function openKeys(file: string): Promise<KeyRing> {
  const text = (await readKeys(file)) ?? (await makeKeys(file))
  return createKeyRing(text).catch((error: unknown) => {
    throw new Error(
      `the key file ${file} is damaged (${describeError(error)}); put it right, or remove it and all tokens end`,
    )
  })
}

async function readKeys(file: string): Promise<string | null> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if (isCode(error, 'ENOENT')) return null
    throw new Error(`the key file ${file} can't be read`, { cause: error })
  }
}

async function makeKeys(file: string): Promise<string> {
  const draft = `${file}.${randomUUID()}`
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 })
    await writeFile(draft, JSON.stringify(await generateKeys()), { mode: 0o600, flag: 'wx', flush: true })
    // Two processes starting at once: a link never replaces, so the first wins, and its file is whole.
    await link(draft, file).catch((error: unknown) => {
      if (!isCode(error, 'EEXIST')) throw error
    })
    return await readFile(file, 'utf8')
  } catch (error) {
    throw new Error(`the key file ${file} can't be made`, { cause: error })
  } finally {
    await rm(draft, { force: true })
  }
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
