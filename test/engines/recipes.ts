import type { ServerName } from './engine.js'
import { mariadb } from './mariadb.js'
import { mysql } from './mysql.js'
import { pgbouncer } from './pgbouncer.js'
import { postgres } from './postgres.js'
import type { Recipe } from './recipe.js'
import { redis } from './redis.js'

export const recipes: Readonly<Record<ServerName, Recipe>> = { postgres, mariadb, mysql, pgbouncer, redis }
