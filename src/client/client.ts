// oxlint-disable max-lines -- one closure, see below
import { codeOf, createError, finalCode, isRefreshable, toError, type SessionClientError } from './codes.js'
import { createCountdown } from './countdown.js'
import { createEmitter } from './emitter.js'
import { createKeeper, openStorage, type Held } from './keeper.js'
import { createLive } from './live.js'
import { pathOf, readTimes, retry, toRequest, withJson } from './requests.js'
import type { LiveEvent } from './stream.js'
import { inTurn, isUnseen } from './tabs.js'
import { jitter, share, sleep } from './times.js'
import type { CurrentSession, SessionClient, SessionClientOptions, SessionEnd } from './types.js'

/** What one tab tells the others: a beat or an event of the stream of this session; else who logged in, or refreshed. */
type TabMessage = { readonly sid: string; readonly event: LiveEvent | '' | undefined } | 'changed' | 'refreshed'

/**
 * The session of this browser: sends requests with it, refreshes it, and tells when it is about to end or has ended
 * (state diagram: `docs/client.md`). No answer but the server's own ends it: no network error, no 503, no clock.
 */
// oxlint-disable-next-line max-lines-per-function -- one closure: what modules share by name, no bundler makes small
export function createSessionClient(options: SessionClientOptions): SessionClient {
  /** All in milliseconds. */
  const explanationTime = 500
  const answerTime = 10_000
  const { mode, baseUrl = '', basePath = '/auth', cookieName = 'rollcall', storage } = options
  const isCookie = mode === 'cookie'
  const key = `rollcall:${mode}${baseUrl}${basePath}`
  // In memory each tab has a session of its own, and shares it with none.
  const name = isCookie || storage ? key : key + Math.random()
  const keeper = createKeeper(isCookie, storage ?? openStorage(isCookie), key, cookieName)
  const { on, emit, warnings } = createEmitter()
  let session: CurrentSession | null | undefined
  let why: Pick<SessionEnd, 'reason' | 'actor'> | null = null
  let isWatching = false
  let stopping: AbortController | undefined
  let channel: BroadcastChannel | undefined
  let logouts = Promise.resolve()
  let logoutTimer: ReturnType<typeof setTimeout> | undefined

  const live = createLive(
    name,
    async (signal) => (await send(() => own('events', { signal })))[0],
    (sid, event) => {
      tell({ sid, event })
      hear(event)
    },
    async () => {
      if (await tryCheck()) emit('devices', undefined)
    },
  )
  const countdown = createCountdown(warnings, tryCheck)

  function own(path: string, init?: RequestInit): Request {
    return toRequest(baseUrl, `${basePath}/${path}`, { signal: AbortSignal.timeout(answerTime), ...init })
  }

  function tell(message: TabMessage): void {
    channel?.postMessage(message)
  }

  function hear(event?: LiveEvent | ''): void {
    live.beat()
    if (!event) return
    const { reason, actor, ...times } = readTimes(event[1])
    if (event[0] === 'devices') emit('devices', undefined)
    // Of a login in this browser the tab that logs in tells, when it has the new session.
    if (event[0] === 'ended' && reason !== 'login') {
      why = { reason, actor }
      // A question from before may be answered as it was then.
      void tryCheck().then((found) => found && tryCheck())
    }
    if (times.idleExpiresAt && session) adopt({ ...session, ...times })
  }

  function hearTab({ data }: MessageEvent<TabMessage>): void {
    if (typeof data === 'object') {
      if (data.sid === session?.sid) hear(data.event)
      return
    }
    keeper.changed()
    if (data === 'changed') void tryCheck()
    else emit('refreshed', { outcome: 'elsewhere' })
  }

  /**
   * The response, and what it was sent with. Refreshed where the token has expired, and sent once more where there is
   * another credential by then. `isAsking`: the request is the very one that tells whether the session stands.
   */
  async function send(make: () => Request, isAsking?: boolean): Promise<readonly [Response, Held | null]> {
    start()
    for (let isAgain = false; ; isAgain = true) {
      const held = await keeper.read()
      const response = await keeper.send(make(), held?.accessToken)
      if (response.status !== 401 || isAgain || !held) return [response, held]
      if (isRefreshable(await codeOf(response))) {
        const refusal = (await hasChanged(held)) ? null : await refresh(held)
        if (refusal) return [refusal.clone(), held]
      } else if (isAsking || !(await tryCheck()) || !(await hasChanged(held))) return [response, held]
    }
  }

  async function hasChanged(held: Held | null): Promise<boolean> {
    return (await keeper.read())?.id !== held?.id
  }

  /** `null`: there is another credential now; else the answer that says why there is none. */
  const refresh = share((held: Held) =>
    inTurn(name, async () => {
      if (await hasChanged(held)) return null
      const { accessToken, refreshToken } = held
      // A page that lies open asks, too: what it asks for counts as use, if it is one.
      const body = { refreshToken: refreshToken ?? undefined, countsAsUse: false }
      const response = await retry(() => keeper.send(own('refresh', withJson('POST', body)), accessToken))
      if (!response.ok) {
        // Without refresh tokens, an access token lives as long as its session.
        const code = (await codeOf(response)) === 'not_found' ? 'session_expired' : await finalCode(response)
        return code && !(await end(code, held)) ? null : response
      }
      const pair = await response.json()
      await keeper.keep(pair, held)
      emit('refreshed', { outcome: pair.outcome })
      tell('refreshed')
      return null
    }),
  )

  /** Asks the server. Rejects where it does not say. */
  const check = share(async (): Promise<CurrentSession | null> => {
    start()
    for (;;) {
      // Without a credential there is nothing to ask, and perhaps no server.
      if (await end('logged_out', null)) return null
      const [response, held] = await send(() => own('session'), true)
      // What was said of another credential than the present one is old.
      if (!held || (await hasChanged(held))) continue
      if (response.ok) {
        const { now, ...found } = readTimes(await response.clone().text())
        if (!(now >= 0 && found.sid)) throw await toError(response)
        countdown.skew = now - Date.now()
        return adopt(found)
      }
      const code = await finalCode(response)
      // A token that did not get there is as good as it was.
      if (!code || (!isCookie && code === 'token_missing')) throw await toError(response)
      // Another tab may log in while the end is told.
      if ((await end(code, held)) && !(await hasChanged(held))) return null
    }
  })

  /** Nothing where it does not say. */
  function tryCheck(): Promise<CurrentSession | null | void> {
    return check().catch(ignore)
  }

  function adopt(found: CurrentSession): CurrentSession {
    const isNews = JSON.stringify(found) !== JSON.stringify(session)
    session = found
    if (isWatching) {
      live.follow(found.sid)
      countdown.to(found)
    }
    if (isNews) emit('session', found)
    return found
  }

  /** Ends it here, unless another tab has logged in meanwhile. */
  async function end(code: string, held: Held | null): Promise<boolean> {
    if (await hasChanged(held)) return false
    // Browsers drop the cookies of a session that is over, and those that a logout clears.
    if (code === 'token_missing') code = countdown.left() <= 0 ? 'session_expired' : 'logged_out'
    if (held) await keeper.drop(held)
    const ended = session
    session = null
    countdown.to(null)
    if (ended) {
      // The stream may still tell why.
      if (!why && held && live.isOpen()) await sleep(explanationTime)
      // Who has logged in meanwhile is told of that.
      if (!session) {
        const name = code === 'session_expired' ? 'expired' : 'ended'
        emit(name, { code, reason: null, actor: null, ...why, session: ended })
      }
    }
    why = null
    if (!session) live.follow(null)
    return true
  }

  /** Here and at once. `isPending`: the server is yet to hear of it. */
  async function leave(reason: string, isPending?: boolean): Promise<void> {
    start()
    const held = await keeper.read()
    if (held) await keeper.drop(held, isPending)
    why = { reason, actor: session?.sid ?? null }
    await end('logged_out', await keeper.read())
    tell('changed')
  }

  /** Tells the server of the logouts that it has yet to hear of. */
  const finishLogouts = (): Promise<void> =>
    (logouts = logouts.then(async () => {
      try {
        // What is pending is read in turn: a login clears it, and must not be logged out again.
        await inTurn(name, async () => {
          for (const token of await keeper.pending()) {
            const response = await keeper.send(
              own('logout', { method: 'POST', keepalive: true, credentials: 'omit' }),
              token,
            )
            // A 401 is an answer, too: there is nothing to log out. What a proxy refuses, the server has not heard.
            if (!response.ok && response.status !== 401) throw response
            await keeper.settle(token)
          }
        })
      } catch {
        clearTimeout(logoutTimer)
        if (channel) logoutTimer = setTimeout(finishLogouts, jitter(answerTime))
      }
    }))

  function start(): void {
    if (channel) return
    channel = new BroadcastChannel(name)
    const { signal } = (stopping = new AbortController())
    channel.addEventListener('message', hearTab)
    for (const name of 'visibilitychange pageshow pagehide online'.split(' '))
      globalThis.addEventListener?.(name, awake, { signal })
    void finishLogouts()
  }

  /** What is not told while a page sleeps is asked when it wakes. */
  function awake({ type }: Event): void {
    const isAsleep = type === 'pagehide' || isUnseen()
    if (isAsleep || !live.isOpen()) live.pause()
    if (isAsleep) return
    void finishLogouts()
    live.resume()
    if (isWatching && !live.isOpen()) void tryCheck()
  }

  // oxlint-disable-next-line typescript/no-explicit-any -- the server's answer, which the caller knows
  async function call(method: string, path: string, body?: object): Promise<any> {
    const [response] = await send(() => own(path, withJson(method, body)))
    if (!response.ok) throw await toError(response)
    return readTimes(await response.text())
  }

  const client: SessionClient = {
    get session() {
      return session
    },
    get skew() {
      return countdown.skew
    },
    async fetch(input, init) {
      const given = toRequest(baseUrl, input, init)
      return (await send(() => given.clone()))[0]
    },
    async logIn(input, init) {
      start()
      const given = toRequest(baseUrl, input, init)
      await finishLogouts()
      // In turn, and patiently, since an older answer of a refresh would replace the cookies of this one.
      const response = await inTurn(
        name,
        async () => {
          const replaced = (await keeper.read())?.accessToken ?? (await keeper.pending())[0]
          const answer = await keeper.send(given, replaced)
          if (answer.ok) await keeper.keep(isCookie ? {} : await answer.clone().json(), null)
          return answer
        },
        answerTime,
      )
      if (!response.ok) return response
      const found = await tryCheck()
      tell('changed')
      if (found === null) throw createError('cookies_blocked', 0)
      return response
    },
    current: check,
    sessions: (after) => call('GET', after ? `sessions?after=${after}` : 'sessions'),
    rename: (sid, name) => call('PATCH', pathOf(sid), { name }),
    revoke: (sid) =>
      sid === session?.sid
        ? client.logout()
        : call('DELETE', pathOf(sid)).catch((error: SessionClientError) => {
            if (error.status !== 404) throw error
          }),
    revokeOthers: () => call('POST', 'logout-others'),
    async revokeAll() {
      const answer = await call('POST', 'logout-everywhere')
      await leave('logout everywhere')
      return answer
    },
    async logout() {
      await leave('logout', true)
      await finishLogouts()
    },
    on(event: never, given: unknown, listener?: (value: never) => void) {
      const stop = on(event, given, listener)
      if (!isWatching) void tryCheck()
      isWatching = true
      if (session) countdown.to(session)
      return stop
    },
    close() {
      stopping?.abort()
      isWatching = false
      live.follow(null)
      countdown.to(null)
      channel?.close()
      channel = undefined
    },
  }
  return client
}

function ignore(): void {}
