import { LRUCache } from 'lru-cache'
import { askInBackground } from './ask-store.js'
import type { Context } from './context.js'
import { nameOf } from './ids.js'
import type { BackgroundError } from './notifier.js'
import type { Scope, SessionKey, StandingRecord, Store } from './ports/store.js'

/** What waits to be written down, and what was: so that requests still on their way write it no second time. */
export interface Uses {
  /** When this process last noted a use, by session or `jti`. */
  readonly noted: LRUCache<string, number>
  /** Sessions whose last use is to be written next. */
  readonly due: Map<string, SessionKey>
  isWriting: boolean
}

export function createUses(): Uses {
  return { noted: new LRUCache({ max: 10_000 }), due: new Map(), isWriting: false }
}

/** Sessions of one write. */
const maximumBatch = 64

/**
 * Notes that a session was used, and by its current pair when `jti` is that one's: that its client has this pair counts
 * also where nothing else does. In the background: a failed write is reported to `on('error')`, fails no request, and is
 * tried again at the next use.
 */
export function noteUse<Claims, Transaction>(
  context: Context<Claims, Transaction>,
  record: StandingRecord,
  jti: string,
  countsAsUse = true,
): void {
  if (context.background.isClosed) return
  if (countsAsUse) noteLastSeen(context, record)
  if (jti === record.jti) noteFirstUse(context, record)
}

/** A short idle lifetime needs a finer grain, or it would end sessions well before it is over. */
export function lastSeenInterval({ idleLifetime }: { readonly idleLifetime: number }, interval: number): number {
  return Math.min(interval, Math.floor(idleLifetime / 10))
}

/** At most once per `lastSeenInterval`; those that come due while others are written go together. */
function noteLastSeen<Claims, Transaction>(context: Context<Claims, Transaction>, record: StandingRecord): void {
  const { clock, policy, uses, background } = context
  const now = clock.wall()
  const isRecent = (at: number): boolean => at >= now - lastSeenInterval(record, policy.lastSeenInterval)
  if (isRecent(record.lastSeenAt)) return
  const { userId, sid } = record
  const name = nameOf({ userId, sid })
  if (isRecent(uses.noted.get(name) ?? 0)) return
  uses.noted.set(name, now)
  uses.due.set(name, { userId, sid })
  if (uses.isWriting) return
  uses.isWriting = true
  background.run(writeDue(context))
}

async function writeDue<Claims, Transaction>(context: Context<Claims, Transaction>): Promise<void> {
  const { uses, clock, policy } = context
  // Whoever is accepted in this same turn comes along.
  await Promise.resolve()
  while (uses.due.size > 0) {
    const keys = takeDue(uses)
    const seen = { at: clock.wall(), interval: policy.lastSeenInterval }
    const isWritten = await write(context, keys.map(nameOf), 'last seen', (store, scope) =>
      store.touch(keys, seen, scope),
    )
    // In an outage the others would fail in turn, each after its own wait, and `close` with them: their next use will do.
    if (!isWritten) forgetDue(uses)
  }
  uses.isWriting = false
}

function takeDue({ due }: Uses): readonly SessionKey[] {
  const taken: SessionKey[] = []
  for (const [name, key] of due) {
    due.delete(name)
    if (taken.push(key) === maximumBatch) break
  }
  return taken
}

function forgetDue({ due, noted }: Uses): void {
  for (const name of due.keys()) noted.delete(name)
  due.clear()
}

/**
 * Once per rotation, never throttled: from now on the refresh token before is spent for good. Until it is written, that
 * one is answered with a successor of its own, and then the two diverge at the next refresh instead.
 */
function noteFirstUse<Claims, Transaction>(context: Context<Claims, Transaction>, record: StandingRecord): void {
  const { clock, uses, background } = context
  const { jti, rotation } = record
  if (rotation === null || rotation.usedAt !== null || uses.noted.get(jti) !== undefined) return
  const now = clock.wall()
  uses.noted.set(jti, now)
  const writing = write(context, [jti], 'first use', (store, scope) => store.markUsed(record, jti, now, scope))
  background.run(writing.then(() => {}))
}

/** Answers whether it was written. */
async function write<Claims, Transaction>(
  context: Context<Claims, Transaction>,
  noted: readonly string[],
  during: BackgroundError['during'],
  ask: (store: Store<Transaction>, scope: Scope<never>) => Promise<void>,
): Promise<boolean> {
  try {
    await askInBackground(context, ask)
    return true
  } catch (error) {
    for (const key of noted) context.uses.noted.delete(key)
    context.notifier.emit('error', { error, during })
    return false
  }
}
