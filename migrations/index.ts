import { sessionsMigration } from './0001-sessions.js'
import type { Migration } from './types.js'

/** All steps, in order. New ones are appended. */
export const migrations: readonly Migration[] = [sessionsMigration]

export type { Engine, Migration, TableNames } from './types.js'
