import type { EngineName } from './engine.js'
import { mariadb } from './mariadb.js'
import { mysql } from './mysql.js'
import { pgbouncer } from './pgbouncer.js'
import { postgres } from './postgres.js'
import { nats } from './nats.js'
import type { Recipe } from './recipe.js'
import { redis } from './redis.js'

export const recipes: Readonly<Record<EngineName, Recipe>> = { postgres, mariadb, mysql, pgbouncer, redis, nats }
