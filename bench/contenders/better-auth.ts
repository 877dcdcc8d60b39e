import { createHmac } from 'node:crypto'
import { betterAuth, type BetterAuthOptions } from 'better-auth'
import { getMigrations } from 'better-auth/db/migration'
import pg from 'pg'
import type { Database } from '../databases.js'
import { keyOf } from '../fill.js'
import { secret, type Sample } from '../tokens.js'
import type { Contender, Issued, OpenContender } from './contender.js'

/** `auth.api.getSession`, each time from the database. */
export const openBetterAuth: OpenContender = (database, sample) => open(database, sample, false)

/** The same with the session in a signed cookie, which holds until the cookie is over, logout or not. */
export const openBetterAuthCached: OpenContender = (database, sample) => open(database, sample, true)

async function open(database: Database, sample: Sample, hasCache: boolean): Promise<Contender> {
  const pool = new pg.Pool({ connectionString: database.location, max: database.poolSize })
  const options = configureBetterAuth(pool, hasCache)
  const { cookies, end } = await issueBetterAuth(database, sample, options)
  const auth = betterAuth(options)
  const headers = cookies.map((cookie) => new Headers({ cookie }))
  return {
    name: `better-auth, cookie cache ${hasCache ? 'on' : 'off'}`,
    isStrict: !hasCache,
    check: async (place) => (await auth.api.getSession({ headers: headers[place]! }))?.user.id ?? null,
    end,
    close: () => pool.end(),
  }
}

export function configureBetterAuth(pool: pg.Pool, hasCache: boolean): BetterAuthOptions {
  return {
    database: pool,
    secret,
    baseURL: 'http://localhost:3000',
    logger: { disabled: true },
    telemetry: { enabled: false },
    session: { cookieCache: { enabled: hasCache, maxAge: 86_400 } },
  }
}

/** Fills its tables, and answers the cookies that it would have set. */
export async function issueBetterAuth(
  database: Database,
  { roll, sessions }: Sample,
  options: BetterAuthOptions,
): Promise<Issued> {
  await fillTables(database, options)
  const auth = betterAuth(options)
  const { authCookies } = await auth.$context
  const sids = sessions.map((number) => keyOf(roll, number).sid)
  const cookies = sids.map((sid) => `${authCookies.sessionToken.name}=${encodeURIComponent(`${sid}.${sign(sid)}`)}`)
  if (options.session?.cookieCache?.enabled) {
    for (const [place, cookie] of cookies.entries()) {
      const answer = await auth.api.getSession({ headers: new Headers({ cookie }), returnHeaders: true })
      const set = answer.headers.getSetCookie().map((text) => text.slice(0, text.indexOf(';')))
      const data = set.find((text) => text.startsWith(authCookies.sessionData.name))
      if (data === undefined) throw new Error('better-auth sets no cookie with the session')
      cookies[place] = `${cookie}; ${data}`
    }
  }
  const end = async (place: number): Promise<void> => {
    await database.knex('session').where({ token: sids[place]! }).delete()
  }
  return { cookies, end }
}

/** As better-auth signs its cookies. */
function sign(value: string): string {
  return createHmac('sha256', secret).update(value).digest('base64')
}

/** The tables of its own migrations, filled from the sessions that are there. */
async function fillTables({ knex }: Database, options: BetterAuthOptions): Promise<void> {
  if (await knex.schema.hasTable('session')) return
  const { runMigrations } = await getMigrations(options)
  await runMigrations()
  await knex.raw(
    `insert into "user" (id, name, email, "emailVerified", "createdAt", "updatedAt")
     select user_id, user_id, user_id || '@example.com', true, now(), now() from rollcall_users`,
  )
  await knex.raw(
    `insert into session (id, token, "userId", "expiresAt", "createdAt", "updatedAt", "ipAddress", "userAgent")
     select sid, sid, user_id, now() + interval '7 days', now(), now(), ip, user_agent from rollcall_sessions`,
  )
  await knex.raw('vacuum analyze "user", session')
}
