import { fileURLToPath } from 'node:url'

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
}

// The compiled file is in another folder than its source, so the package itself is asked where it is.
const dataFolder = new URL('demo/data/', import.meta.resolve('rollcall/package.json'))

/** @throws Error naming the variable. */
export function readSettings(environment: NodeJS.ProcessEnv = process.env): Settings {
  return {
    port: readPort(environment['PORT'] || '3000'),
    host: environment['HOST'] || '127.0.0.1',
    databaseUrl: environment['DATABASE_URL'] || `sqlite:${inDataFolder('rollcall.sqlite')}`,
    keysFile: environment['KEYS_FILE'] || inDataFolder('keys.json'),
    issuer: environment['ISSUER'] || 'https://rollcall.demo',
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
