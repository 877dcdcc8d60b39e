import { setTimeout as delay } from 'node:timers/promises'
import { isRollcallError, type Sessions } from 'rollcall'
import { migrate } from 'rollcall/migrations'
import { describeError } from './describe-error.js'
import { frameworks } from './frameworks/index.js'
import { openDatabase, type Database } from './open-database.js'
import { openKeys } from './open-keys.js'
import { openRefreshSecret } from './open-refresh-secret.js'
import { openSessions } from './open-sessions.js'
import { readArguments } from './read-arguments.js'
import { readSettings } from './settings.js'
import { startServer, type RunningServer } from './start-server.js'
import { createUsers } from './users.js'
import { welcome } from './welcome.js'

await main().catch(fail)

async function main(): Promise<void> {
  const { framework } = readArguments()
  const settings = readSettings()
  const { host, port, databaseUrl, keysFile, refreshSecretFile } = settings
  const database = await openDatabase(databaseUrl)
  await migrateDatabase(database)
  const keys = await openKeys(keysFile)
  const refreshSecret = await openRefreshSecret(refreshSecretFile)
  const users = await createUsers()
  const sessions = openSessions(settings, { store: database.store, keys, refreshSecret, users })
  sessions.on('error', ({ error }) => report(error))
  sessions.on('reused', ({ userId, sid, kind }) =>
    console.error(`a spent refresh token of ${userId} was shown again (${kind}): session ${sid} has ended`),
  )
  const app = await frameworks[framework]({ sessions, keys, users, report })
  const server = await startServer(app, { host, port })

  const stop = (): void => void stopAll(server, sessions, database).catch(fail)
  process.once('SIGTERM', stop)
  process.once('SIGINT', stop)
  // Last: whoever waits for these lines may stop the server at once.
  console.log(welcome(server, { framework, database: database.label, keysFile, refreshSecretFile }))
}

async function migrateDatabase({ knex, label }: Database): Promise<void> {
  try {
    await migrate(knex)
  } catch (error) {
    throw new Error(`can't use the ${label}`, { cause: error })
  }
}

async function stopAll(server: RunningServer, sessions: Sessions<object>, { knex }: Database): Promise<void> {
  await server.stop()
  await sessions.close()
  // A database that does not answer must not hold the process up; its connections go with it.
  await Promise.race([knex.destroy(), delay(1_000)])
  process.exit(0)
}

function fail(error: unknown): never {
  console.error(`rollcall demo: ${describeError(error)}`)
  process.exit(1)
}

/** Refusals of the library say all in a line; what else goes wrong is a bug and needs its stack. */
function report(error: unknown): void {
  console.error(isRollcallError(error) ? describeError(error) : error)
}
