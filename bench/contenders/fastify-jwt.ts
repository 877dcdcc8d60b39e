import fastifyJwt, { type FastifyJWTOptions } from '@fastify/jwt'
import { fastify } from 'fastify'
import pg from 'pg'
import { audience, issuer, secret } from '../tokens.js'
import type { Contender, OpenContender } from './contender.js'
import { endRow, lookupSql, stands } from './jose.js'

export interface Payload {
  readonly sub: string
  readonly sid: string
  readonly jti: string
}

/** With a prepared statement, which `pg` keeps for each name. */
export const openFastifyJwt: OpenContender = (database, sample) =>
  open(database, sample, { name: '@fastify/jwt + pg', statement: { name: 'trusted' } })

/** With SQL that the server parses and plans at each call, as in the manual of `pg`. */
export const openPlainFastifyJwt: OpenContender = (database, sample) =>
  open(database, sample, { name: '@fastify/jwt + pg, not prepared', statement: {} })

export const jwtOptions: FastifyJWTOptions = {
  secret,
  verify: { allowedIss: issuer, allowedAud: audience },
}

interface Kind {
  readonly name: string
  readonly statement: { readonly name?: string }
}

/**
 * `app.jwt.verify` and then the function that a `trusted` hook would be, called here: `fastify.inject` and a request
 * object would take longer than both.
 */
async function open(
  database: Parameters<OpenContender>[0],
  sample: Parameters<OpenContender>[1],
  { name, statement }: Kind,
): Promise<Contender> {
  const app = fastify()
  const pool = new pg.Pool({ connectionString: database.location, max: database.poolSize })
  await app.register(fastifyJwt, jwtOptions)
  await app.ready()
  const trusted = createTrusted(pool, statement)
  return {
    name,
    isStrict: true,
    async check(place) {
      const payload = app.jwt.verify<Payload>(sample.tokens[place]!)
      return (await trusted(payload)) ? payload.sub : null
    },
    end: endRow(database, sample),
    async close() {
      await app.close()
      await pool.end()
    },
  }
}

export function createTrusted(pool: pg.Pool, statement: Kind['statement']): (payload: Payload) => Promise<boolean> {
  let count = 0
  const text = lookupSql.replaceAll('?', () => `$${(count += 1)}`)
  return async ({ sub, sid, jti }) => {
    const { rows } = await pool.query({ ...statement, text, values: [sub, sid], rowMode: 'array' })
    return stands(rows[0], jti)
  }
}
