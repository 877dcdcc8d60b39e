import type { Engine, EngineName, StartOptions } from './engine.js'
import { findProgram } from './find-program.js'
import { installPackage } from './install-packages.js'
import { openPlace } from './place.js'
import type { Program, Recipe } from './recipe.js'
import { recipes } from './recipes.js'
import { messageOf } from './run-command.js'
import { startContainer } from './start-container.js'
import { unpackMysql } from './unpack-mysql.js'
import { isAtLeast } from './versions.js'

type Way = () => Promise<Engine>

/** Comes by a server in the first way that this machine allows; throws an error that names all ways when none does. */
export async function startEngine(name: EngineName, options: StartOptions = {}): Promise<Engine> {
  const given = process.env[urlVariable(name)]
  if (given !== undefined && given !== '') return useGiven(name, given)
  if (name === 'pgbouncer' && options.postgresUrl === undefined) return startWithPostgres(name, options)
  const failures: string[] = []
  for (const way of waysTo(name, options)) {
    try {
      return await way()
    } catch (error) {
      failures.push(messageOf(error))
    }
  }
  throw new Error(
    [
      `No ${name} ${recipes[name].oldest} or newer for the tests:`,
      ...[`${urlVariable(name)} is not set`, ...failures].map((line) => `  - ${line}`),
      `Set ${urlVariable(name)}, install ${name} or start Docker; or leave it out by ROLLCALL_TEST_WITHOUT=${name}`,
    ].join('\n'),
  )
}

function urlVariable(name: EngineName): string {
  return `ROLLCALL_TEST_${name.toUpperCase()}_URL`
}

async function useGiven(name: EngineName, url: string): Promise<Engine> {
  const source = `given by ${urlVariable(name)}`
  try {
    const version = await checkVersion(recipes[name], url)
    return { name, url, version, source, server: null, stop: async () => {} }
  } catch (error) {
    throw new Error(`The server ${source} can't be used for ${name}: ${messageOf(error)}`, { cause: error })
  }
}

async function startWithPostgres(name: EngineName, options: StartOptions): Promise<Engine> {
  const behind = await startEngine('postgres', options)
  try {
    const engine = await startEngine(name, { ...options, postgresUrl: behind.url })
    return { ...engine, stop: () => engine.stop().finally(() => behind.stop()) }
  } catch (error) {
    await behind.stop()
    throw error
  }
}

function waysTo(name: EngineName, { postgresUrl, log = () => {} }: StartOptions): Way[] {
  const recipe = recipes[name]
  const startFound = async (): Promise<Engine> => startProgram(name, await findProgram(recipe), postgresUrl)
  const startInstalled = async (): Promise<Engine> => {
    if (recipe.debianPackage === null) return startProgram(name, await unpackMysql(log), postgresUrl)
    log(`${name}: installing the Debian package ${recipe.debianPackage}`)
    await installPackage(recipe.debianPackage)
    return startFound()
  }
  const startInDocker = async (): Promise<Engine> => {
    const { url, close } = await startContainer(recipe, (line) => log(`${name}: ${line}`))
    const version = await checkVersion(recipe, url)
    return { name, url, version, source: `run by Docker from ${recipe.image?.name}`, server: null, stop: close }
  }
  return [startFound, startInstalled, startInDocker]
}

async function startProgram(name: EngineName, program: Program, postgresUrl: string | undefined): Promise<Engine> {
  const recipe = recipes[name]
  const place = await openPlace({ requiresUser: recipe.requiresUser })
  try {
    const { url, server } = await recipe.start(program, place, postgresUrl)
    const version = await checkVersion(recipe, url)
    return { name, url, version, source: `started from ${program.path}`, server, stop: () => place.close() }
  } catch (error) {
    await place.close()
    throw error
  }
}

async function checkVersion(recipe: Recipe, url: string): Promise<string> {
  const version = await recipe.checkServer(url)
  if (!isAtLeast(version, recipe.oldest)) throw new Error(`it is ${version}, older than ${recipe.oldest}`)
  return version
}
