import { sessionsMigration } from './0001-sessions.js'
import { refreshTokensMigration } from './0002-refresh-tokens.js'
import type { Migration } from './types.js'

/** All steps, in order. New ones are appended. */
export const migrations: readonly Migration[] = [sessionsMigration, refreshTokensMigration]

export type { Engine, Migration, TableNames } from './types.js'
