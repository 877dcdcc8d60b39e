import { join } from 'node:path'
import { mysqlUrlOf, readServerVersion, serveMysqlFamily, sharedArguments, userArguments } from './mysql-family.js'
import type { Place } from './place.js'
import type { Program, Recipe, Started } from './recipe.js'
import { runIn } from './run-server.js'

export const mysql: Recipe = {
  oldest: '8.4',
  binaries: ['mysqld'],
  requiresUser: false,
  // Debian's stable suites carry MariaDB only: see unpack-mysql.ts.
  debianPackage: null,
  image: {
    name: 'mysql:9',
    port: 3306,
    environment: ['MYSQL_ALLOW_EMPTY_PASSWORD=yes'],
    args: [...sharedArguments, '--mysqlx=OFF'],
    url: mysqlUrlOf,
  },
  readVersion: (output) => (/mariadb/i.test(output) ? null : (/Ver (\d+(?:\.\d+)+)/.exec(output)?.[1] ?? null)),
  start: startMysql,
  checkServer: checkMysql,
}

async function startMysql(program: Program, place: Place): Promise<Started> {
  const own = ['--mysqlx=OFF', '--secure-file-priv=NULL']
  const data = `--datadir=${join(place.folder, 'data')}`
  const fixed = ['--no-defaults', ...program.args, ...userArguments(), data, ...sharedArguments, ...own]
  await runIn(place, [...program.command, ...fixed, '--initialize-insecure'])
  return serveMysqlFamily(program, place, own)
}

async function checkMysql(url: string): Promise<string> {
  const version = await readServerVersion(url)
  if (/mariadb/i.test(version)) throw new Error(`it is not MySQL but MariaDB (${version})`)
  return version
}
