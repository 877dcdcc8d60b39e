import fastifyJwt from '@fastify/jwt'
import { fastify } from 'fastify'
import pg from 'pg'
import { audience, issuer, secret } from '../tokens.js'
import type { OpenContender } from './contender.js'
import { endRow, lookupSql, stands } from './jose.js'

interface Payload {
  readonly sub: string
  readonly sid: string
  readonly jti: string
}

/**
 * `app.jwt.verify` and then the function that a `trusted` hook would be, called here: `fastify.inject` and a request
 * object would take longer than both.
 */
export const openFastifyJwt: OpenContender = async (database, sample) => {
  const app = fastify()
  const pool = new pg.Pool({ connectionString: database.location, max: database.poolSize })
  await app.register(fastifyJwt, { secret, verify: { allowedIss: issuer, allowedAud: audience } })
  await app.ready()
  let count = 0
  const text = lookupSql.replaceAll('?', () => `$${(count += 1)}`)
  const trusted = async ({ sub, sid, jti }: Payload): Promise<boolean> => {
    const { rows } = await pool.query({ name: 'trusted', text, values: [sub, sid], rowMode: 'array' })
    return stands(rows[0], jti)
  }
  return {
    name: '@fastify/jwt + pg',
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
