import { join } from 'node:path'
import { createConnection } from 'mysql2/promise'
import type { RowDataPacket } from 'mysql2/promise'
import { isRoot } from './place.js'
import type { Place } from './place.js'
import type { Program, Started } from './recipe.js'
import { serveIn } from './run-server.js'

/**
 * Arguments for MySQL and MariaDB: fast and small, with each server's own character sets and collations. What they
 * acknowledged survives their end, though not the machine's.
 */
export const sharedArguments: readonly string[] = [
  '--max-connections=300',
  '--skip-log-bin',
  '--innodb-flush-log-at-trx-commit=2',
  '--innodb-buffer-pool-size=64M',
]

export function userArguments(): string[] {
  return isRoot() ? ['--user=root'] : []
}

export async function serveMysqlFamily(program: Program, place: Place, own: readonly string[]): Promise<Started> {
  const files = [
    `--datadir=${join(place.folder, 'data')}`,
    `--socket=${join(place.folder, 's.sock')}`,
    `--pid-file=${join(place.folder, 'server.pid')}`,
    `--tmpdir=${place.folder}`,
  ]
  const fixed = ['--no-defaults', ...program.args, ...userArguments(), ...files, ...sharedArguments, ...own]
  const server = await serveIn(place, {
    signals: { 'at once': 'SIGKILL', 'in order': 'SIGTERM' },
    ready: /: ready for connections/,
    command: (free) => [...program.command, ...fixed, '--bind-address=127.0.0.1', `--port=${free}`],
  })
  return { url: mysqlUrlOf(server.port), server }
}

export function mysqlUrlOf(port: number): string {
  return `mysql://root@127.0.0.1:${port}/`
}

export async function readServerVersion(url: string): Promise<string> {
  const connection = await createConnection({ uri: url, connectTimeout: 10_000 })
  try {
    const [rows] = await connection.query<RowDataPacket[]>('select version() as version')
    return String(rows[0]?.['version'])
  } finally {
    await connection.end()
  }
}
