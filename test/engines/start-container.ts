import { setTimeout as sleep } from 'node:timers/promises'
import { startKeeper } from './keeper.js'
import { uniqueName } from './place.js'
import type { ContainerImage, Recipe } from './recipe.js'
import { messageOf, runCommand } from './run-command.js'

const answersWithin = 120_000

export interface Container {
  readonly url: string
  readonly close: () => Promise<void>
}

/** Runs the engine's image with Docker. Throws when Docker doesn't answer or there is no image of use. */
export async function startContainer(recipe: Recipe, log: (line: string) => void): Promise<Container> {
  const { image } = recipe
  if (image === null) throw new Error('no Docker image of it is used: it could not reach a server on this machine')
  await runCommand('docker', ['info'], 20_000)
  const name = uniqueName()
  const keeper = await startKeeper({ folder: null, user: null, container: name })
  try {
    log(`running the Docker image ${image.name}`)
    await runCommand('docker', runArguments(image, name))
    // Prints lines such as 127.0.0.1:49153.
    const port = /^127\.0\.0\.1:(\d+)$/m.exec(await runCommand('docker', ['port', name, String(image.port)]))?.[1]
    if (port === undefined) throw new Error(`Docker gave ${image.name} no port`)
    const url = image.url(Number(port))
    await waitForAnswer(recipe, url)
    return { url, close: () => keeper.close() }
  } catch (error) {
    await keeper.close()
    throw error
  }
}

function runArguments(image: ContainerImage, name: string): string[] {
  const environment = image.environment.flatMap((pair) => ['-e', pair])
  return [
    'run',
    '-d',
    '--rm',
    '--name',
    name,
    '-p',
    `127.0.0.1::${image.port}`,
    ...environment,
    image.name,
    ...image.args,
  ]
}

/** The images listen to the network only after they have prepared their data, so the first answer counts. */
async function waitForAnswer(recipe: Recipe, url: string): Promise<void> {
  const deadline = Date.now() + answersWithin
  for (;;) {
    try {
      await recipe.checkServer(url)
      return
    } catch (error) {
      if (Date.now() > deadline) throw new Error(`the container does not answer: ${messageOf(error)}`, { cause: error })
      await sleep(200)
    }
  }
}
