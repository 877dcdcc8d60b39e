import { isTokenId, isUserId } from '../ids.js'
import type { SessionKey } from '../ports/store.js'

/** There are events to read. */
export const look = 'look'

/** Below the 8,000 bytes that a NOTIFY of Postgres carries. */
const longest = 7_000
/** Of what can't be said for long, the oldest is let go: what others keep is bounded by `maxStaleness` all the same. */
const most = 10_000

/** This session's row has changed, and no event tells of it. */
export function nameSession({ userId, sid }: SessionKey): string {
  return `${encodeURIComponent(userId)}/${sid}`
}

/** The devices of this user have changed, and no event tells of it. Who does not know the form takes it for a look. */
export function nameUser(userId: string): string {
  return `${encodeURIComponent(userId)}/`
}

/** What is yet to be said to the other processes: each thing once, however often it came up. */
export interface News {
  add(items: readonly string[]): void
  /** As much of it as one message holds; empty when there is none. */
  take(): readonly string[]
}

export function createNews(): News {
  const waiting = new Set<string>()
  return {
    add(items) {
      for (const item of items) waiting.add(item)
      for (const oldest of waiting) {
        if (waiting.size <= most) break
        waiting.delete(oldest)
      }
    },

    take() {
      const taken: string[] = []
      let length = 0
      for (const item of waiting) {
        length += item.length + 1
        if (length > longest) break
        taken.push(item)
        waiting.delete(item)
      }
      return taken
    },
  }
}

/** Spaces stand between the items, which have none. */
export function writeMessage(items: readonly string[]): string {
  return items.join(' ')
}

/** What a message names. Of whatever else is said on the channel, a look costs least. */
export interface Message {
  readonly sessions: readonly SessionKey[]
  readonly users: readonly string[]
  readonly isLook: boolean
}

export function readMessage(text: string): Message {
  if (text.length > longest) return { sessions: [], users: [], isLook: true }
  const items = [...new Set(text.split(' '))].map(readItem)
  return {
    sessions: items.filter((item) => item !== null && typeof item !== 'string'),
    users: items.filter((item) => typeof item === 'string'),
    isLook: items.includes(null),
  }
}

function readItem(item: string): SessionKey | string | null {
  const [name = '', sid, ...more] = item.split('/')
  try {
    const userId = decodeURIComponent(name)
    if (!isUserId(userId) || sid === undefined || more.length > 0) return null
    if (sid === '') return userId
    return isTokenId(sid) ? { userId, sid } : null
  } catch {
    return null
  }
}
