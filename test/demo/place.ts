import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { killLeftovers, type Environment } from './demo-process.js'

/** A fresh folder for one demo server's files, and the environment that keeps them there. */
export interface Place {
  readonly folder: string
  readonly environment: Environment
  /** Also ends servers that a failed test left running. */
  remove(): Promise<void>
}

/** @param databaseUrl Default: an SQLite file in the folder. */
export async function makePlace(databaseUrl?: string): Promise<Place> {
  const folder = await mkdtemp(join(tmpdir(), 'rollcall-demo-'))
  const data = join(folder, 'data')
  return {
    folder: data,
    environment: {
      DATABASE_URL: databaseUrl ?? `sqlite:${join(data, 'demo.sqlite')}`,
      KEYS_FILE: join(data, 'keys.json'),
    },
    async remove() {
      killLeftovers()
      await rm(folder, { recursive: true, maxRetries: 3 })
    },
  }
}
