import { setTimeout as pause } from 'node:timers/promises'
import type { TokenPair } from '../../src/index.js'
import { isRollcallError } from '../../src/errors.js'
import type { Sessions } from '../../src/sessions.js'
import type { Knex } from 'knex'

export type LoadedSessions = Sessions<Record<never, never>, Knex.Transaction, string>

/** A session and what became known of its end, in milliseconds of this process. */
interface Login {
  readonly userId: string
  readonly sid: string
  readonly token: string
  /** When its revoke was called; unless that failed, it is gone from some moment between the two. */
  revokeBegun: number
  revoked: number
}

/** One call, and how it ended: `accepted` or the code and status of the refusal. */
export interface Call {
  readonly verb: 'verify' | 'verify with a cache' | 'create' | 'revoke' | 'refresh'
  readonly login: Login | null
  readonly start: number
  readonly end: number
  readonly code: string
  readonly status: number
}

export interface Load {
  readonly calls: readonly Call[]
  /** Ends the callers; resolves when the last call has its answer. */
  stop(): Promise<void>
}

/**
 * Callers without a rest: some verify strictly, some with a cache, some log in and out, and some refresh as honest
 * clients do, with the same token until there is an answer.
 */
export async function startLoad(strict: LoadedSessions, cached: LoadedSessions, callers: number): Promise<Load> {
  const calls: Call[] = []
  const logins: Login[] = []
  const state = { isOver: false }

  async function note<Answer>(
    verb: Call['verb'],
    login: Login | null,
    call: () => Promise<Answer>,
  ): Promise<Answer | null> {
    const start = performance.now()
    const ended = (code: string, status: number): void =>
      void calls.push({ verb, login, start, end: performance.now(), code, status })
    try {
      const answer = await call()
      ended('accepted', 200)
      return answer
    } catch (error) {
      if (!isRollcallError(error)) throw error
      ended(error.code, error.status)
      return null
    }
  }

  async function logIn(number: number): Promise<void> {
    const userId = `loaded-${number % 50}`
    const pair = await note('create', null, () => strict.create({ userId }))
    if (pair === null) return
    const { accessToken: token, session } = pair
    logins.push({ userId, sid: session.sid, token, revokeBegun: Infinity, revoked: Infinity })
  }

  async function logOut(login: Login): Promise<void> {
    login.revokeBegun = performance.now()
    const answer = await note('revoke', login, () => strict.revoke(login.userId, login.sid))
    if (answer !== null) login.revoked = performance.now()
  }

  async function change(): Promise<void> {
    await logIn(logins.length)
    const standing = logins.filter(({ revokeBegun }) => revokeBegun === Infinity)
    if (standing.length > 30) await logOut(standing[Math.floor(Math.random() * standing.length)]!)
  }

  const verify = (sessions: LoadedSessions, verb: 'verify' | 'verify with a cache') => async (): Promise<void> => {
    // Mostly of the newest, since those change.
    const login = logins.at(-1 - Math.floor(Math.random() * Math.min(60, logins.length)))!
    await note(verb, login, () => sessions.verify(login.token))
  }

  function honestClient(first: TokenPair<string>): () => Promise<void> {
    let token = first.refreshToken
    return async () => {
      const pair = await note('refresh', null, () => strict.refresh(token))
      if (pair?.refreshToken) token = pair.refreshToken
      await pause(5)
    }
  }

  async function repeat(work: () => Promise<void>): Promise<void> {
    while (!state.isOver) {
      await work()
      // A refused connection answers at once; the others shall have their turn.
      await pause(1)
    }
  }

  for (let number = 0; number < 40; number += 1) await logIn(number)
  const clients = await Promise.all([1, 2].map((number) => strict.create({ userId: `client-${number}` })))
  const running = Promise.all([
    ...Array.from({ length: callers }, () => repeat(verify(strict, 'verify'))),
    ...Array.from({ length: callers }, () => repeat(verify(cached, 'verify with a cache'))),
    ...clients.map((pair) => repeat(honestClient(pair))),
    repeat(change),
    repeat(change),
  ])
  return {
    calls,
    async stop() {
      state.isOver = true
      await running
    },
  }
}
