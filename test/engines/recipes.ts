import type { EngineName } from './engine.js'
import { mariadb } from './mariadb.js'
import { mysql } from './mysql.js'
import { pgbouncer } from './pgbouncer.js'
import { postgres } from './postgres.js'
import type { Recipe } from './recipe.js'

export const recipes: Readonly<Record<EngineName, Recipe>> = { postgres, mariadb, mysql, pgbouncer }
