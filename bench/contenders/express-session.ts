import { createHmac } from 'node:crypto'
import connect from 'connect-pg-simple'
import session from 'express-session'
import pg from 'pg'
import type { Database } from '../databases.js'
import { keyOf } from '../fill.js'
import { secret, type Sample } from '../tokens.js'
import type { Issued, OpenContender } from './contender.js'

const tableName = 'express_session'

interface Request {
  readonly url: string
  readonly originalUrl: string
  readonly headers: { readonly cookie: string }
  readonly session?: { readonly userId?: string }
}

/** The middleware itself, up to `next()`, with the parts of a request and a response that it looks at. */
export const openExpressSession: OpenContender = async (database, sample) => {
  const { cookies, end } = await issueExpressSession(database, sample)
  const pool = new pg.Pool({ connectionString: database.location, max: database.poolSize })
  const middleware = createMiddleware(pool)
  return {
    name: 'express-session + connect-pg-simple',
    isStrict: true,
    check: (place) =>
      new Promise((resolve, reject) => {
        const request: Request = { url: '/', originalUrl: '/', headers: { cookie: cookies[place]! } }
        const response = { writeHead: () => {}, end: () => {} }
        middleware(request, response, (error) =>
          error instanceof Error ? reject(error) : resolve(request.session?.userId ?? null),
        )
      }),
    end,
    close: () => pool.end(),
  }
}

/** Without `touch`, a write at the end of each request, that nobody else here makes. */
export function createMiddleware(pool: pg.Pool): ReturnType<typeof session> {
  const store = new (connect(session))({ pool, tableName, pruneSessionInterval: false, disableTouch: true })
  return session({ secret, store, resave: false, saveUninitialized: false })
}

/** Fills its table, and answers the cookies that it would have set. */
export async function issueExpressSession(database: Database, { roll, sessions }: Sample): Promise<Issued> {
  await fillTable(database, roll.sessions)
  const sids = sessions.map((number) => keyOf(roll, number).sid)
  return {
    cookies: sids.map((sid) => `connect.sid=${encodeURIComponent(`s:${sid}.${sign(sid)}`)}`),
    async end(place) {
      await database.knex(tableName).where({ sid: sids[place]! }).delete()
    },
  }
}

/** As the package `cookie-signature` does it. */
function sign(sid: string): string {
  return createHmac('sha256', secret).update(sid).digest('base64').replaceAll('=', '')
}

/** The table that comes with connect-pg-simple, filled from the sessions that are there. */
async function fillTable({ knex }: Database, sessions: number): Promise<void> {
  await knex.raw(`create table ${tableName} (sid varchar not null, sess json not null, expire timestamp(6) not null)`)
  await knex.raw(
    `insert into ${tableName} select sid,
       json_build_object('cookie', json_build_object('originalMaxAge', null, 'expires', null, 'httpOnly', true, 'path', '/'), 'userId', user_id),
       now() + interval '14 days' from rollcall_sessions limit ${sessions + 1}`,
  )
  await knex.raw(`alter table ${tableName} add primary key (sid)`)
  await knex.raw(`create index on ${tableName} (expire)`)
  await knex.raw(`vacuum analyze ${tableName}`)
}
