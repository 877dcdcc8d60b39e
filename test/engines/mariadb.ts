import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { mysqlUrlOf, readServerVersion, serveMysqlFamily, sharedArguments, userArguments } from './mysql-family.js'
import type { Place } from './place.js'
import type { Program, Recipe, Started } from './recipe.js'
import { runIn } from './run-server.js'

export const mariadb: Recipe = {
  oldest: '10.11',
  binaries: ['mariadbd', 'mysqld'],
  requiresUser: false,
  debianPackage: 'mariadb-server-core',
  image: {
    name: 'mariadb:11.4',
    port: 3306,
    environment: ['MARIADB_ALLOW_EMPTY_ROOT_PASSWORD=1'],
    args: sharedArguments,
    url: mysqlUrlOf,
  },
  readVersion: (output) => /Ver (\d+(?:\.\d+)*)-MariaDB/.exec(output)?.[1] ?? null,
  start: startMariadb,
  checkServer: checkMariadb,
}

// The tables of the mysql schema. Their files have another prefix from MariaDB 11 on.
const systemTables = ['system_tables.sql', 'performance_tables.sql', 'system_tables_data.sql']

async function startMariadb(program: Program, place: Place): Promise<Started> {
  // Not mariadb-install-db: Debian's server package carries it without the tools that it calls.
  const data = join(place.folder, 'data')
  await mkdir(data)
  await writeFile(join(place.folder, 'bootstrap.sql'), await readSystemTables(program.path))
  const bootstrap = [
    '--no-defaults',
    '--bootstrap',
    ...program.args,
    ...userArguments(),
    `--datadir=${data}`,
    ...sharedArguments,
  ]
  await runIn(place, ['sh', '-c', 'exec "$0" "$@" <bootstrap.sql', ...program.command, ...bootstrap])
  return serveMysqlFamily(program, place, [])
}

async function readSystemTables(binary: string): Promise<string> {
  for (const folder of ['../share/mysql', '../share/mariadb', '../share']) {
    for (const prefix of ['mysql_', 'mariadb_']) {
      const paths = systemTables.map((file) => join(dirname(binary), folder, prefix + file))
      const texts = await Promise.all(paths.map((path) => readFile(path, 'utf8'))).catch(() => null)
      // Without a name for socket authentication root has an empty password.
      if (texts)
        return ['CREATE DATABASE mysql;', 'USE mysql;', 'SET @auth_root_socket = NULL;', ...texts, ''].join('\n')
    }
  }
  throw new Error(`the system tables of ${binary} are not in its share folder`)
}

async function checkMariadb(url: string): Promise<string> {
  const text = await readServerVersion(url)
  // Old servers, and some hosts, put a 5.5.5- in front for the sake of replication.
  const version = /(\d+(?:\.\d+)*)-MariaDB/.exec(text)?.[1]
  if (version === undefined) throw new Error(`it is not MariaDB but a server of version ${text}`)
  return version
}
