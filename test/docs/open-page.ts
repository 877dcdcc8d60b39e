import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { readPage, root, type Block } from './read-page.js'

const run = promisify(execFile)
const cache = join(root, 'node_modules/.cache/rollcall/docs')
const compiler = join(root, 'node_modules/typescript/bin/tsc')

const settings = {
  compilerOptions: {
    target: 'es2023',
    module: 'nodenext',
    types: ['node'],
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    verbatimModuleSyntax: true,
    skipLibCheck: true,
  },
}

/** The `ts` blocks of a page as the files of an app that has the package installed, type-checked and compiled. */
export interface OpenPage {
  readonly folder: string
  /** The files the page itself brings, in its order. */
  readonly files: readonly string[]
  /** Runs a file. Its exports are whatever the caller says they are. */
  load<Exports>(file: string): Promise<Exports>
  /** Removes the folder. @throws Error when a file of the page was not run and is not among these */
  close(runElsewhere?: readonly string[]): Promise<void>
}

/**
 * Writes the blocks into a folder of their own: a block that begins with the comment `// name.ts` is that file, the
 * others follow one another in `page.ts`.
 * @param own Files the page takes for granted, such as the app's database.
 * @throws Error with the compiler's messages when the page does not type-check
 */
export async function openPage(path: string, own: Readonly<Record<string, string>> = {}): Promise<OpenPage> {
  await linkPackage()
  const folder = await mkdtemp(join(cache, `${path.replaceAll(/\W+/g, '-')}-`))
  const parts = splitFiles(readPage(path).blocks)
  const files = [...Object.entries(own), ...parts]
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }')
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(settings))
  await Promise.all(files.map(([name, code]) => writeFile(join(folder, name), code)))
  try {
    await run(process.execPath, [compiler, '-p', folder], { cwd: folder })
  } catch (error) {
    throw new Error(`${path} does not type-check:\n${(error as { stdout?: string }).stdout}`, { cause: error })
  }
  const waiting = new Set(parts.keys())
  return {
    folder,
    files: [...parts.keys()],
    load(file) {
      waiting.delete(file)
      return import(pathToFileURL(join(folder, file.replace(/\.ts$/, '.js'))).href) as Promise<never>
    },
    async close(runElsewhere = []) {
      await rm(folder, { recursive: true })
      const left = [...waiting].filter((file) => !runElsewhere.includes(file))
      if (left.length > 0) throw new Error(`${path} has files that nobody ran: ${left.join(', ')}`)
    },
  }
}

function splitFiles(blocks: readonly Block[]): Map<string, string> {
  const files = new Map<string, string>()
  for (const { language, code } of blocks) {
    if (language !== 'ts') continue
    const name = /^\/\/ ([\w.-]+\.ts)\n/.exec(code)?.[1] ?? 'page.ts'
    files.set(name, `${files.get(name) ?? ''}${code}`)
  }
  return files
}

/** As `npm install` of a folder does it: a link that Node and the compiler find by the package's name. */
async function linkPackage(): Promise<void> {
  await mkdir(join(cache, 'node_modules'), { recursive: true })
  await symlink(root, join(cache, 'node_modules/rollcall')).catch((error: unknown) => {
    if ((error as { code?: string }).code !== 'EEXIST') throw error
  })
}
