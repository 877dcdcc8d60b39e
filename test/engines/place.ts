import { randomBytes } from 'node:crypto'
import { chown, mkdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startKeeper } from './keeper.js'
import type { Keeper } from './keeper.js'

/** Where one server lives: a fresh folder, with a user of its own where the server refuses root. */
export interface Place extends Keeper {
  readonly folder: string
}

export interface PlaceOptions {
  /** Default: the system's temporary folder. */
  readonly parent?: string
  readonly requiresUser: boolean
}

export async function openPlace({ parent = tmpdir(), requiresUser }: PlaceOptions): Promise<Place> {
  const name = uniqueName()
  const folder = join(parent, name)
  // The keeper comes first: whatever is made after it, it removes.
  const keeper = await startKeeper({ folder, user: requiresUser && isRoot() ? name : null, container: null })
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    if (keeper.ids) await chown(folder, keeper.ids.uid, keeper.ids.gid)
    return { folder, ...keeper }
  } catch (error) {
    await keeper.close()
    throw error
  }
}

export function uniqueName(): string {
  return `rollcall-${randomBytes(6).toString('hex')}`
}

export function isRoot(): boolean {
  return process.getuid?.() === 0
}
