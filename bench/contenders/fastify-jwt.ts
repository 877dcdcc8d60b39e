import fastifyJwt from '@fastify/jwt'
import { fastify } from 'fastify'
import pg from 'pg'
import { audience, issuer, secret } from '../tokens.js'
import type { Contender, OpenContender } from './contender.js'
import { endRow, lookupSql, stands } from './jose.js'

interface Payload {
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
  await app.register(fastifyJwt, { secret, verify: { allowedIss: issuer, allowedAud: audience } })
  await app.ready()
  let count = 0
  const text = lookupSql.replaceAll('?', () => `$${(count += 1)}`)
  const trusted = async ({ sub, sid, jti }: Payload): Promise<boolean> => {
    const { rows } = await pool.query({ ...statement, text, values: [sub, sid], rowMode: 'array' })
    return stands(rows[0], jti)
  }
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
