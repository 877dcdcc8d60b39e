import { stream, type LiveEvent } from './stream.js'
import { isUnseen, locks } from './tabs.js'

/** One event stream for all tabs of a session: a browser has six connections to a host. */
export interface Live {
  /** The session to be told of; `null`: none. */
  follow(sid: string | null): void
  /** Something came, in this tab or another. */
  beat(): void
  /** Whether an end would be heard of at once. */
  isOpen(): boolean
  /** The page sleeps: another tab is to have the stream. */
  pause(): void
  resume(): void
}

/**
 * @param name what the tabs that share the session name it by
 * @param open asks for the event stream, with the session's credential
 * @param hear something came in this tab: that the stream lives, and perhaps an event
 * @param ask nothing was told for a while
 */
export function createLive(
  name: string,
  open: (signal: AbortSignal) => Promise<Response>,
  hear: (sid: string, event?: LiveEvent | '') => void,
  ask: () => Promise<unknown>,
): Live {
  /** The server sends something every 20 seconds. Milliseconds. */
  const silence = 25_000
  let followed: string | null = null
  let current: AbortController | null = null
  let heardAt = 0

  const isOpen = (): boolean => Date.now() - heardAt < silence

  function begin(sid: string): void {
    const { signal } = (current = new AbortController())
    let running: Promise<void> | undefined
    const run = (): Promise<void> => (running ??= stream(open, (event) => hear(sid, event), ask, signal))
    // Whoever has the lock has the stream. If that tab is silent, as a frozen one is, whoever is seen has another.
    if (!locks) return void run()
    locks.request(name + sid, { signal }, run).catch(() => {})
    const timer = setInterval(() => {
      if (signal.aborted) clearInterval(timer)
      else if (!isOpen() && !globalThis.document?.hidden) void run()
    }, silence)
  }

  function pause(): void {
    current?.abort()
    current = null
  }

  function resume(): void {
    if (followed && !current && !isUnseen()) begin(followed)
  }

  return {
    isOpen,
    pause,
    resume,
    beat: () => void (heardAt = Date.now()),
    follow(sid) {
      if (sid !== followed) {
        pause()
        heardAt = 0
        followed = sid
      }
      resume()
    },
  }
}
