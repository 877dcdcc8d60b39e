import { LRUCache } from 'lru-cache'
import type { AppParts } from './app-parts.js'

/** What `GET /api/activity` answers: what happened to an account, newest first. Never a token, nor a `jti`. */
export interface ActivityPage {
  readonly entries: readonly ActivityEntry[]
  /** The names of the devices that `sid` and `actor` of the entries name, where they are known. */
  readonly devices: Readonly<Record<string, string>>
}

export interface ActivityEntry {
  /** `logged_in`, `refreshed`, or the `type` of an event of the library. */
  readonly type: string
  readonly at: Date
  readonly sid: string | null
  readonly reason: string | null
  /** Who did it: the `sid` of a device, or what a program named. */
  readonly actor: string | null
  /** Of `refreshed`: how often, since this process began to count. */
  readonly count: number
}

export interface Activity {
  /** The sessions of the app, with the logins among what they do noted. */
  readonly sessions: AppParts['sessions']
  list(userId: string): Promise<ActivityPage>
}

/** What this process noticed of a user. */
interface Notes {
  /** By `sid`, the oldest first. */
  readonly logins: Map<string, { readonly at: Date; readonly device: string | null }>
  readonly refreshes: Map<string, { readonly at: Date; readonly outcome: string; readonly count: number }>
}

/** Of one user; of each kind of entry. */
const most = 20
const mostUsers = 1_000

/**
 * The events table tells what ended sessions. Logins and refreshes are in no table: of these a process tells what it has
 * seen itself, and keeps only the last ones.
 */
export function createActivity({ sessions }: Pick<AppParts, 'sessions'>): Activity {
  const notes = new LRUCache<string, Notes>({ max: mostUsers })

  function notesOf(userId: string): Notes {
    const found = notes.get(userId) ?? { logins: new Map(), refreshes: new Map() }
    notes.set(userId, found)
    return found
  }

  sessions.on('refreshed', ({ userId, sid, outcome, at }) => {
    // The client has the pair that it had before.
    if (outcome === 'unchanged') return
    const { refreshes } = notesOf(userId)
    keep(refreshes, sid, { at, outcome, count: (refreshes.get(sid)?.count ?? 0) + 1 })
  })

  async function create(...given: Parameters<typeof sessions.create>): ReturnType<typeof sessions.create> {
    const pair = await sessions.create(...given)
    const { sid, createdAt, device } = pair.session
    keep(notesOf(String(given[0].userId)).logins, sid, { at: createdAt, device: device.name })
    return pair
  }

  async function list(userId: string): Promise<ActivityPage> {
    const [standing, events] = await Promise.all([sessions.list(userId), sessions.events(userId, { limit: most })])
    const { logins, refreshes } = notesOf(userId)
    // Of those that stand the table tells when they began, also after a restart.
    const known = new Map(logins)
    for (const { sid, createdAt, device } of standing) known.set(sid, { at: createdAt, device: device.name })
    const entries = [
      ...Array.from(known, ([sid, { at }]) => describe({ type: 'logged_in', at, sid })),
      ...Array.from(refreshes, ([sid, { at, outcome, count }]) =>
        describe({ type: 'refreshed', at, sid, reason: outcome, count }),
      ),
      ...events.map(({ type, at, sid, reason, actor }) => describe({ type, at, sid, reason, actor })),
    ]
      .toSorted((one, other) => other.at.getTime() - one.at.getTime())
      .slice(0, most)
    const named = new Set(entries.flatMap(({ sid, actor }) => [sid, actor]))
    const devices: Record<string, string> = {}
    for (const [sid, { device }] of known) if (device !== null && named.has(sid)) devices[sid] = device
    return { entries, devices }
  }

  return { sessions: Object.assign(Object.create(sessions) as typeof sessions, { create }), list }
}

function describe(entry: Pick<ActivityEntry, 'type' | 'at' | 'sid'> & Partial<ActivityEntry>): ActivityEntry {
  return { reason: null, actor: null, count: 1, ...entry }
}

/** As the newest, and drops the oldest of too many. */
function keep<Note>(notes: Map<string, Note>, sid: string, note: Note): void {
  notes.delete(sid)
  notes.set(sid, note)
  const [oldest] = notes.keys()
  if (notes.size > most && oldest !== undefined) notes.delete(oldest)
}
