import { askStore } from './ask-store.js'
import type { Context } from './context.js'
import type { BackgroundError } from './notifier.js'
import type { Scope, StandingRecord, Store } from './ports/store.js'

/**
 * Notes that a session was used, and by its current pair when `jti` is that one's. In the background: a failed write is
 * reported to `on('error')`, fails no request, and is tried again at the next use.
 */
export function noteUse<Claims, Transaction>(
  context: Context<Claims, Transaction>,
  record: StandingRecord,
  jti: string,
): void {
  noteLastSeen(context, record)
  if (jti === record.jti) noteFirstUse(context, record)
}

/** At most once per `lastSeenInterval`. */
function noteLastSeen<Claims, Transaction>(context: Context<Claims, Transaction>, record: StandingRecord): void {
  const { clock, policy, usesNoted } = context
  const now = clock.wall()
  // A short idle lifetime needs a finer grain, or it would end sessions well before it is over.
  const interval = Math.min(policy.lastSeenInterval, Math.floor(record.idleLifetime / 10))
  const ifSeenBefore = now - interval
  const key = `${record.sid}\0${record.userId}`
  if (Math.max(record.lastSeenAt, usesNoted.get(key) ?? 0) >= ifSeenBefore) return
  const seen = { lastSeenAt: now, idleExpiresAt: Math.min(now + record.idleLifetime, record.expiresAt), ifSeenBefore }
  note(context, key, 'last seen', (store, scope) => store.touch(record, seen, scope))
}

/**
 * Once per rotation, never throttled: from now on the refresh token before is spent for good. Until it is written, that
 * one is answered with a successor of its own, and then the two diverge at the next refresh instead.
 */
function noteFirstUse<Claims, Transaction>(context: Context<Claims, Transaction>, record: StandingRecord): void {
  const { clock, usesNoted } = context
  const { jti, rotation } = record
  if (rotation === null || rotation.usedAt !== null || usesNoted.has(jti)) return
  const now = clock.wall()
  note(context, jti, 'first use', (store, scope) => store.markUsed(record, jti, now, scope))
}

function note<Claims, Transaction>(
  context: Context<Claims, Transaction>,
  key: string,
  during: BackgroundError['during'],
  write: (store: Store<Transaction>, scope: Scope<never>) => Promise<void>,
): void {
  const { clock, background, notifier, usesNoted } = context
  if (background.isClosed) return
  usesNoted.set(key, clock.wall())
  background.run(
    askStore(context, undefined, (store, { signal }) => write(store, { signal })).catch((error: unknown) => {
      usesNoted.delete(key)
      notifier.emit('error', { error, during })
    }),
  )
}
