import type { SessionsEvent } from '../notifier.js'
import type { SessionKey } from '../ports/store.js'
import { createChecks, type ChecksWork } from './checks.js'
import type { WatchEvent, WatchListener } from './events.js'
import { createRegistry, type Watch } from './registry.js'

/** Tells what becomes of sessions to who does not ask. A session is read once, however many watch it. */
export interface Watches {
  /** Begins; answers what ends it. The first event comes when the session was read. */
  add(key: SessionKey, listener: WatchListener): () => void
  /** What was read counts no more: of this session, or of all the user's with `null`. */
  changed(userId: string, sid: string | null): void
  changedAll(): void
  /** The list of this user's devices is another one. */
  devicesChanged(userId: string): void
  /** What the end of sessions is to be explained by. */
  heard(event: SessionsEvent): void
  /** Sessions that are watched. */
  size(): number
  close(): void
}

export interface WatchesWork extends ChecksWork {
  /** A listener has thrown. */
  fault(error: unknown): void
}

/** For how long changes of a user's devices are gathered: one change is heard of in several ways. */
const moment = 50

export function createWatches(work: WatchesWork): Watches {
  const { clock } = work
  const registry = createRegistry()
  const checks = createChecks(work, registry, tell)
  /** Whose user has a change that is yet to be told. */
  const restless = new Set<Watch>()
  let cancel = (): void => {}
  let isClosed = false

  function tell({ listeners }: Watch, event: WatchEvent): void {
    // A copy, since a listener may begin watches, or end those of others.
    for (const listener of Array.from(listeners)) if (listeners.has(listener)) listener(event)
  }

  function tellOfDevices(watch: Watch): void {
    if (restless.size === 0) cancel = clock.after(moment, tellAll)
    restless.add(watch)
  }

  function tellAll(): void {
    const told = [...restless].filter((watch) => registry.has(watch))
    restless.clear()
    for (const watch of told) tell(watch, { type: 'devices' })
  }

  return {
    add: (key, listener) => {
      if (isClosed) throw new TypeError('this sessions object is closed')
      const watch = registry.open(key)
      const stop = join(watch, guard(listener, work.fault))
      checks.check(watch)
      return () => {
        if (!stop()) return
        checks.forget(watch)
        registry.drop(watch)
      }
    },

    changed(userId, sid) {
      for (const watch of registry.of(userId)) {
        if (sid === null || watch.key.sid === sid) checks.check(watch)
        if (watch.key.sid !== sid) tellOfDevices(watch)
      }
    },

    devicesChanged: (userId) => registry.of(userId).forEach(tellOfDevices),

    changedAll: () => registry.all().forEach((watch) => checks.check(watch)),

    heard({ userId, scope, sid, reason, actor }) {
      for (const watch of registry.of(userId)) {
        const isMeant = scope === 'all' || (watch.key.sid === sid) === (scope === 'session')
        if (isMeant) watch.explanation = { reason, actor }
      }
    },

    size: () => registry.size(),

    close() {
      isClosed = true
      const open = registry.all()
      checks.stop()
      cancel()
      for (const watch of open) registry.drop(watch)
      for (const watch of open) tell(watch, { type: 'closed' })
    },
  }
}

/** A function of its own, so that one listener can watch twice and end each by itself; it never throws. */
function guard(listener: WatchListener, fault: (error: unknown) => void): (event: WatchEvent) => void {
  return (event) => {
    try {
      const answer = listener(event)
      if (answer instanceof Promise) answer.catch(fault)
    } catch (error) {
      fault(error)
    }
  }
}

/** Who comes later is told what the others know. Answers what leaves it, and whether nobody is left then. */
function join({ listeners, last, hasWarned }: Watch, own: (event: WatchEvent) => void): () => boolean {
  listeners.add(own)
  if (last !== null) own({ type: 'standing', ...last })
  if (last !== null && hasWarned) own({ type: 'expiring', ...last })
  return () => listeners.delete(own) && listeners.size === 0
}
