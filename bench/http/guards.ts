import type { Database } from '../databases.js'
import type { Sample } from '../tokens.js'
import { issueRollcall, issueTokens, openContender, type HttpContender, type Kind } from './contenders.js'
import type { Before } from './serve.js'

/** What stands before the route of a server. The first is what the others are compared with. */
export interface Guarding {
  readonly name: string
  readonly before: Before
  readonly isCached?: boolean
  readonly refuses: Kind['refuses']
  readonly issue: Kind['issue']
}

/** Each comes with its file in `servers/`. */
export const frameworks = [
  { name: 'Hono', server: 'guard-hono' },
  { name: 'Express', server: 'guard-express' },
  { name: 'Fastify', server: 'guard-fastify' },
] as const
export type Framework = (typeof frameworks)[number]

export const guardings: readonly Guarding[] = [
  { name: 'nothing', before: 'nothing', refuses: null, issue: issueTokens },
  { name: 'an `await`, no check', before: 'await', refuses: null, issue: issueTokens },
  {
    name: 'guard, header, sessions kept',
    before: 'bearer',
    isCached: true,
    refuses: 'within 1 h',
    issue: issueRollcall(true),
  },
  {
    name: 'guard, cookie, sessions kept',
    before: 'cookie',
    isCached: true,
    refuses: 'within 1 h',
    issue: issueCookies,
  },
  { name: 'guard, header, strict', before: 'bearer', refuses: 'at once', issue: issueRollcall(false) },
]

/** Adds each when it runs, so that those are known whose next one fails. */
export async function openGuards(
  server: Framework['server'],
  database: Database,
  sample: Sample,
  add: (contender: HttpContender) => void,
): Promise<void> {
  for (const guarding of guardings) add(await openContender(database, sample, { ...guarding, server }))
}

/** The same tokens as a browser brings them. */
async function issueCookies(database: Database, sample: Sample): ReturnType<Kind['issue']> {
  const headers = sample.tokens.map((token) => ({ cookie: `__Host-rollcall-access=${token}` }))
  return { ...(await issueRollcall(true)(database, sample)), headers }
}
