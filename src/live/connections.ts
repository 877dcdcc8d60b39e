import { checkBoolean, checkOptions } from '../options.js'
import { RollcallError, type Code } from '../errors.js'
import { createHttp } from '../http/http.js'
import { checkOrigin } from '../http/same-site.js'
import { readCredential, type Credential } from '../http/credential.js'
import { answerError } from '../http/answer.js'
import type { Auth } from '../http/guard.js'
import type { RequestHead } from '../http/request.js'
import type { HttpOptions } from '../http/settings.js'
import type { Clock } from '../ports/clock.js'
import type { Sessions } from '../sessions.js'
import { createWheel } from '../watch/wheel.js'

/** Those of `HttpOptions` that a handshake knows, and what becomes of the connection. */
export interface LiveOptions extends Pick<HttpOptions, 'from' | 'cookies' | 'allowedOrigins' | 'report' | 'clock'> {
  /**
   * Whether a connection ends with its access token (`token_expired`), unless it is given a newer one by `renew`. By default
   * it lives as long as its session, and its claims are those of the handshake.
   */
  readonly untilTokenExpires?: boolean | undefined
}

/** Why a connection ends. */
export interface ConnectionEnd {
  /** What a verify would refuse the session with, or `server_closing`: then it may come back. */
  readonly code: Code | 'server_closing'
  /** Of what was heard of the end of the session. */
  readonly reason: string | null
}

/** A connection, as an adapter has it. */
export interface LiveConnection<Claims> {
  /** Who it is from, as the newest token that was shown says. */
  auth: Auth<Claims>
  end(end: ConnectionEnd): void
}

/** Connections that live as long as their sessions. */
export interface Connections<Claims> {
  /**
   * Checks a handshake: a token that came by other means than the request, else the header, else the cookie; and where it is
   * a cookie, the page it comes from, since a browser asks no site before it connects.
   * @throws RollcallError
   */
  admit(request: RequestHead, token: string | null): Promise<Auth<Claims>>
  /** From now on the connection ends with the session. */
  bind(connection: LiveConnection<Claims>): void
  /** The connection is gone. */
  release(connection: LiveConnection<Claims>): void
  /** A newer token of the same session, for who holds the connection. @throws RollcallError */
  renew(connection: LiveConnection<Claims>, token: string): Promise<Auth<Claims>>
  /** The answer to who is not admitted, as over HTTP. Faults are reported. */
  answerError(error: unknown): Response
  readonly size: number
  /** Ends all. */
  close(): void
}

const known = ['from', 'cookies', 'allowedOrigins', 'report', 'clock', 'untilTokenExpires']

/** @throws TypeError for an option that is unknown or of a wrong type */
export function createConnections<Claims>(sessions: Sessions<Claims>, options: LiveOptions = {}): Connections<Claims> {
  checkOptions('the options of live connections', options, known)
  const { untilTokenExpires = false, ...rest } = options
  checkBoolean('untilTokenExpires', untilTokenExpires)
  const { settings, cookies } = createHttp(sessions, rest)
  const bound = new Map<LiveConnection<Claims>, () => void>()
  const deadlines = createDeadlines<LiveConnection<Claims>>(settings.clock, (connection) =>
    end(connection, { code: 'token_expired', reason: null }),
  )
  let isClosed = false

  function release(connection: LiveConnection<Claims>): void {
    bound.get(connection)?.()
    bound.delete(connection)
    deadlines.delete(connection)
  }

  function end(connection: LiveConnection<Claims>, why: ConnectionEnd): void {
    release(connection)
    connection.end(why)
  }

  return {
    async admit(request, token) {
      const shown: Credential | null =
        token === null ? readCredential(request, settings.from, cookies) : { token, from: 'bearer' }
      if (shown === null || (shown.from === 'bearer' && settings.from === 'cookie'))
        throw new RollcallError('token_missing')
      if (shown.from === 'cookie') checkOrigin(request, settings)
      return Object.assign(await sessions.verify(shown.token), { from: shown.from })
    },

    bind(connection) {
      const { auth } = connection
      // Its handshake was still being checked when the server began to stop.
      if (isClosed) return connection.end({ code: 'server_closing', reason: null })
      const stop = sessions.watch(auth, (event) => {
        if (event.type === 'ended') end(connection, { code: event.code, reason: event.reason })
        if (event.type === 'closed') end(connection, { code: 'server_closing', reason: null })
      })
      bound.set(connection, stop)
      if (untilTokenExpires) deadlines.set(connection, auth.expiresAt)
    },

    release,

    async renew(connection, token) {
      const { userId, sid, from } = connection.auth
      const renewed = await sessions.verify(token)
      // Who may speak for another session opens another connection.
      if (renewed.userId !== userId || renewed.sid !== sid) throw new RollcallError('token_invalid')
      if (untilTokenExpires && bound.has(connection)) deadlines.set(connection, renewed.expiresAt)
      connection.auth = Object.assign(renewed, { from })
      return connection.auth
    },

    answerError: (error) => answerError(error, settings.report),
    get size() {
      return bound.size
    },
    close() {
      isClosed = true
      for (const connection of Array.from(bound.keys())) end(connection, { code: 'server_closing', reason: null })
      deadlines.stop()
    },
  }
}

interface Deadlines<Connection> {
  set(connection: Connection, at: Date): void
  delete(connection: Connection): void
  stop(): void
}

const minute = 60_000

/** Looks at the wall clock each minute: it may be set, and the other one stands still while a machine sleeps. */
function createDeadlines<Connection>(clock: Clock, over: (connection: Connection) => void): Deadlines<Connection> {
  const ends = new Map<Connection, number>()
  const wheel = createWheel<Connection>(clock, (due) => due.forEach(look))

  function look(connection: Connection): void {
    const at = ends.get(connection)
    // The end of one before it may have been the end of this one, too.
    if (at === undefined) return
    const left = at - clock.wall()
    if (left > 0) wheel.set(connection, Math.min(left, minute))
    else over(connection)
  }

  return {
    set(connection, at) {
      ends.set(connection, at.getTime())
      wheel.set(connection, Math.min(at.getTime() - clock.wall(), minute))
    },
    delete(connection) {
      ends.delete(connection)
      wheel.delete(connection)
    },
    stop: () => wheel.stop(),
  }
}
