import { askStore } from './ask-store.js'
import type { Context } from './context.js'
import type { StandingRecord } from './ports/store.js'

/**
 * Notes that a session was used, at most once per `lastSeenInterval`, in the background: a failed write is reported
 * to `on('error')`, fails no request, and is tried again at the next use.
 */
export function noteUse<Claims, Transaction>(context: Context<Claims, Transaction>, record: StandingRecord): void {
  const { clock, policy, background, notifier, usesNoted } = context
  const now = clock.wall()
  // A short idle lifetime needs a finer grain, or it would end sessions well before it is over.
  const interval = Math.min(policy.lastSeenInterval, Math.floor(record.idleLifetime / 10))
  const ifSeenBefore = now - interval
  const key = `${record.sid}\0${record.userId}`
  const lastSeenAt = Math.max(record.lastSeenAt, usesNoted.get(key) ?? 0)
  if (lastSeenAt >= ifSeenBefore || background.isClosed) return

  usesNoted.set(key, now)
  const seen = { lastSeenAt: now, idleExpiresAt: Math.min(now + record.idleLifetime, record.expiresAt), ifSeenBefore }
  const write = askStore(context, undefined, (store, { signal }) => store.touch(record, seen, { signal }))
  background.run(
    write.catch((error: unknown) => {
      usesNoted.delete(key)
      notifier.emit('error', { error, during: 'last seen' })
    }),
  )
}
