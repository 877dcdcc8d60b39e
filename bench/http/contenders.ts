import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { configureBetterAuth, issueBetterAuth } from '../contenders/better-auth.js'
import type { Contender, Issued } from '../contenders/contender.js'
import { issueExpressSession } from '../contenders/express-session.js'
import { endRow } from '../contenders/jose.js'
import type { Database } from '../databases.js'
import { keyOf } from '../fill.js'
import type { Sample } from '../tokens.js'
import { openRollcallSessions } from './rollcall-sessions.js'
import type { Before } from './serve.js'
import { startServer, type RunningServer } from './start-server.js'

/** A server, and requests with the credentials of a sample. */
export interface HttpContender extends Contender {
  readonly url: string
  readonly headers: readonly Readonly<Record<string, string>>[]
  readonly refuses: Kind['refuses']
  readonly cpuTime: RunningServer['cpuTime']
}

export interface Kind {
  readonly name: string
  /** The file in `servers/`, and which of its two kinds. */
  readonly server: string
  readonly isCached?: boolean
  readonly before?: Before
  /** When it refuses a session that ended; `null` where it asks for no credential. */
  readonly refuses: 'at once' | 'within 5 s' | 'within 1 h' | 'no' | null
  issue(database: Database, sample: Sample): Promise<Credentials>
}

interface Credentials {
  readonly headers: readonly Readonly<Record<string, string>>[]
  end(place: number): Promise<void>
  close?(): Promise<void>
}

export const bare = 'bare'
export const strict = 'rollcall, strict'
export const cached = 'rollcall, maxStaleness 5s + bus'

const kinds: readonly Kind[] = [
  { name: strict, server: 'rollcall', refuses: 'at once', issue: issueRollcall(false) },
  { name: cached, server: 'rollcall', isCached: true, refuses: 'within 5 s', issue: issueRollcall(true) },
  { name: bare, server: 'bare', refuses: null, issue: issueTokens },
  { name: 'hono/jwt', server: 'hono-jwt', refuses: 'no', issue: issueTokens },
  { name: 'better-auth, cookie cache off', server: 'better-auth', refuses: 'at once', issue: issueBetter(false) },
  {
    name: 'better-auth, cookie cache on',
    server: 'better-auth',
    isCached: true,
    refuses: 'no',
    issue: issueBetter(true),
  },
  {
    name: 'express-session + connect-pg-simple',
    server: 'express-session',
    refuses: 'at once',
    issue: async (database, sample) => inCookies(await issueExpressSession(database, sample)),
  },
  { name: '@fastify/jwt + pg', server: 'fastify-jwt', refuses: 'at once', issue: issueTokens },
]

/** Adds each when it runs, so that those are known whose next one fails. */
export async function openContenders(
  database: Database,
  sample: Sample,
  add: (contender: HttpContender) => void,
): Promise<void> {
  for (const kind of kinds) add(await openContender(database, sample, kind))
}

export async function openContender(
  database: Database,
  sample: Sample,
  { name, server, isCached = false, before, refuses, issue }: Kind,
): Promise<HttpContender> {
  const { headers, end, close } = await issue(database, sample)
  const { location, config, poolSize } = database
  const running = await startServer(server, { location, config, poolSize, isCached, before })
  const isBounded = refuses?.startsWith('within') ?? false
  const check = (place: number): Promise<string | null> => ask(running.url, headers[place]!)
  return {
    name,
    url: running.url,
    cpuTime: () => running.cpuTime(),
    headers,
    refuses,
    isStrict: refuses === 'at once' || isBounded,
    check,
    async end(place) {
      await end(place)
      // By the bus, which takes a moment: less than the bound, or it would be the bound that we see.
      const deadline = performance.now() + (isBounded ? 1_000 : 0)
      while (performance.now() < deadline && (await check(place)) !== null) await sleep(5)
    },
    async close() {
      await running.close()
      await close?.()
    },
  }
}

/** Only a 401 is a refusal: what else comes is no user's id, and fails the check. */
async function ask(url: string, headers: Readonly<Record<string, string>>): Promise<string | null> {
  const response = await fetch(url, { headers })
  if (response.status === 401) return null
  return response.ok ? ((await response.json()) as { userId: string }).userId : `status ${response.status}`
}

export async function issueTokens(database: Database, sample: Sample): Promise<Credentials> {
  const headers = sample.tokens.map((token) => ({ authorization: `Bearer ${token}` }))
  return { headers, end: endRow(database, sample) }
}

export function issueRollcall(isCached: boolean): Kind['issue'] {
  return async (database, sample) => {
    const sessions = await openRollcallSessions(database.knex, isCached ? '5s' : undefined)
    return {
      ...(await issueTokens(database, sample)),
      async end(place) {
        const { userId, sid } = keyOf(sample.roll, sample.sessions[place]!)
        await sessions.revoke(userId, sid)
      },
      close: () => sessions.close(),
    }
  }
}

function issueBetter(hasCache: boolean): Kind['issue'] {
  return async (database, sample) => {
    const pool = new pg.Pool({ connectionString: database.location, max: database.poolSize })
    try {
      return inCookies(await issueBetterAuth(database, sample, configureBetterAuth(pool, hasCache)))
    } finally {
      await pool.end()
    }
  }
}

function inCookies({ cookies, end }: Issued): Credentials {
  return { headers: cookies.map((cookie) => ({ cookie })), end }
}
