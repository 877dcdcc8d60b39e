import type { Device } from './device.js'
import type { ListedSession } from './ports/store.js'

/** One sign-in on one device, as the app and its user may see it: never a `jti`, a hash or a token. */
export interface Session {
  /** Public: it can be listed and revoked, it is never a credential. */
  readonly sid: string
  readonly device: Device
  readonly audience: readonly string[]
  readonly createdAt: Date
  /** When the user last proved who they are (`auth_time`). */
  readonly authenticatedAt: Date
  /** Authentication methods (RFC 8176), as given at login. */
  readonly amr: readonly string[] | null
  /** Authentication context class, as given at login. */
  readonly acr: string | null
  /** Written at most once per `session.lastSeenInterval`. */
  readonly lastSeenAt: Date
  /** When the session ends if it is not used before. */
  readonly idleExpiresAt: Date
  /** When the session ends in any case. */
  readonly expiresAt: Date
}

export function toSession(record: Omit<ListedSession, 'tokenVersion'>): Session {
  return {
    sid: record.sid,
    device: record.device,
    audience: record.audience,
    createdAt: new Date(record.createdAt),
    authenticatedAt: new Date(record.authenticatedAt),
    amr: record.amr,
    acr: record.acr,
    lastSeenAt: new Date(record.lastSeenAt),
    idleExpiresAt: new Date(record.idleExpiresAt),
    expiresAt: new Date(record.expiresAt),
  }
}
