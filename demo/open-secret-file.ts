import { randomUUID } from 'node:crypto'
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'

/** A file whose secret text the first start makes, and which every later one reads. */
export interface SecretFile {
  readonly path: string
  /** For people: what kind of file this is. */
  readonly label: string
  make(): string | Promise<string>
}

/** Reads the file, or makes it when there is none. One that is there is never replaced, whatever is in it. */
export async function openSecretFile(file: SecretFile): Promise<string> {
  return (await readSecret(file)) ?? makeSecret(file)
}

async function readSecret({ path, label }: SecretFile): Promise<string | null> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (isCode(error, 'ENOENT')) return null
    throw new Error(`the ${label} ${path} can't be read`, { cause: error })
  }
}

async function makeSecret({ path, label, make }: SecretFile): Promise<string> {
  const draft = `${path}.${randomUUID()}`
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    await writeFile(draft, await make(), { mode: 0o600, flag: 'wx', flush: true })
    // Two processes starting at once: a link never replaces, so the first wins, and its file is whole.
    await link(draft, path).catch((error: unknown) => {
      if (!isCode(error, 'EEXIST')) throw error
    })
    return await readFile(path, 'utf8')
  } catch (error) {
    throw new Error(`the ${label} ${path} can't be made`, { cause: error })
  } finally {
    await rm(draft, { force: true })
  }
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
