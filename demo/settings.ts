import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Duration } from 'rollcall'

/** What the environment may set. Nothing else in the demo reads it. */
export interface Settings {
  /** `PORT`; 0 takes a free one. Default 3000. */
  readonly port: number
  /** `HOST`. Default `127.0.0.1`: with passwords everybody knows, other machines are let in only when asked for. */
  readonly host: string
  /** `DATABASE_URL`. Default: an SQLite file in the data folder. */
  readonly databaseUrl: string
  /** `KEYS_FILE`. Default: a file in the data folder. */
  readonly keysFile: string
  /** `ISSUER`, fixed and not the address: processes on several ports issue tokens for one another. */
  readonly issuer: string
  /** `REFRESH_SECRET_FILE`. Default: a file beside the keys. */
  readonly refreshSecretFile: string
  /** `ACCESS_LIFETIME`, such as `10m`; this and the next three are checked, and have their defaults, in the library. */
  readonly accessLifetime: Duration | undefined
  /** `REFRESH_GRACE`. */
  readonly refreshGrace: Duration | undefined
  /** `SESSION_LIFETIME`. */
  readonly sessionLifetime: Duration | undefined
  /** `IDLE_LIFETIME`. */
  readonly idleLifetime: Duration | undefined
}

// The compiled file is in another folder than its source, so the package itself is asked where it is.
const dataFolder = new URL('demo/data/', import.meta.resolve('rollcall/package.json'))

/** @throws Error naming the variable. */
export function readSettings(environment: NodeJS.ProcessEnv = process.env): Settings {
  const keysFile = environment['KEYS_FILE'] || inDataFolder('keys.json')
  return {
    port: readPort(environment['PORT'] || '3000'),
    host: environment['HOST'] || '127.0.0.1',
    databaseUrl: environment['DATABASE_URL'] || `sqlite:${inDataFolder('rollcall.sqlite')}`,
    keysFile,
    issuer: environment['ISSUER'] || 'https://rollcall.demo',
    refreshSecretFile: environment['REFRESH_SECRET_FILE'] || join(dirname(keysFile), 'refresh-secret.txt'),
    accessLifetime: readDuration(environment['ACCESS_LIFETIME']),
    refreshGrace: readDuration(environment['REFRESH_GRACE']),
    sessionLifetime: readDuration(environment['SESSION_LIFETIME']),
    idleLifetime: readDuration(environment['IDLE_LIFETIME']),
  }
}

function inDataFolder(name: string): string {
  return fileURLToPath(new URL(name, dataFolder))
}

function readPort(text: string): number {
  const port = Number(text)
  if (!/^\d+$/.test(text) || port > 65_535) throw new Error(`PORT must be a number from 0 to 65535, not '${text}'`)
  return port
}

/** Unchecked: the library says what a duration is. Digits alone are milliseconds there, too. */
function readDuration(text: string | undefined): Duration | undefined {
  if (!text) return undefined
  return /^\d+$/.test(text) ? Number(text) : (text as Duration)
}
