import type { Device, DeviceKind } from '../../src/device.js'
import {
  StoreDataError,
  type ListedSession,
  type NewSession,
  type RefreshRecord,
  type RefreshTokenRecord,
  type Rotation,
  type SessionRecord,
  type StandingRecord,
  type UserRecord,
} from '../../src/ports/store.js'
import type { Cell, Value } from './dialect.js'

/** The columns a decision needs, in the order `readRecord` takes them. */
export const recordColumns: readonly string[] = (
  'user_id sid token_version jti audience created_at authenticated_at ' +
  'amr acr last_seen_at idle_lifetime idle_expires_at expires_at ' +
  'generation rotated_at used_at previous_jti'
).split(' ')
const userColumns: readonly string[] = ['token_version', 'suspended_until']
export const refreshTokenColumns: readonly string[] = ['refresh_hash', 'refresh_salt', 'refresh_secret_id']
export const deviceColumns: readonly string[] = ['device_name', 'device_kind', 'user_agent', 'ip']

/** What `readStanding` takes, of a session `s` and its user `u`. */
export const standingColumns: readonly string[] = [
  ...recordColumns.map((name) => `s.${name}`),
  ...userColumns.map((name) => `u.${name} as user_${name}`),
]

type Row = readonly Cell[]

export function readStanding(row: Row): StandingRecord {
  // Not a spread: with a property after it V8 takes four times as long.
  return Object.assign(readRecord(row), { user: readUser(row.slice(recordColumns.length)) })
}

export function readListed(row: Row): ListedSession {
  return Object.assign(readRecord(row), { device: readDevice(row.slice(recordColumns.length)) })
}

/** A row of the record, user, device and refresh token columns. */
export function readRefreshable(row: Row): RefreshRecord {
  const device = row.slice(recordColumns.length + userColumns.length)
  return Object.assign(readStanding(row), {
    device: readDevice(device),
    refreshToken: readRefreshToken(device.slice(deviceColumns.length)),
  })
}

export function readUser([tokenVersion, suspendedUntil]: Row): UserRecord {
  return {
    tokenVersion: integer(tokenVersion),
    suspendedUntil: suspendedUntil === null ? null : integer(suspendedUntil),
  }
}

export function recordValues(session: NewSession, tokenVersion: number): Value[] {
  const { device } = session
  return [
    session.userId,
    session.sid,
    tokenVersion,
    session.jti,
    JSON.stringify(session.audience),
    session.createdAt,
    session.authenticatedAt,
    session.amr === null ? null : JSON.stringify(session.amr),
    session.acr,
    session.lastSeenAt,
    session.idleLifetime,
    session.idleExpiresAt,
    session.expiresAt,
    ...rotationValues(session.rotation),
    device.name,
    device.kind,
    device.userAgent,
    device.ip,
    ...refreshTokenValues(session.refreshToken),
  ]
}

export function rotationValues(rotation: Rotation | null): Value[] {
  if (rotation === null) return [null, null, null, null]
  return [rotation.generation, rotation.rotatedAt, rotation.usedAt, rotation.previousJti]
}

export function refreshTokenValues(token: RefreshTokenRecord | null): Value[] {
  return token === null ? [null, null, null] : [token.hash, token.salt, token.secretId]
}

function readRecord(row: Row): SessionRecord {
  const [
    userId,
    sid,
    tokenVersion,
    jti,
    audience,
    createdAt,
    authenticatedAt,
    amr,
    acr,
    lastSeenAt,
    idleLifetime,
    idleExpiresAt,
    expiresAt,
    generation,
    rotatedAt,
    usedAt,
    previousJti,
  ] = row
  return {
    userId: text(userId),
    sid: text(sid),
    tokenVersion: integer(tokenVersion),
    jti: text(jti),
    audience: list(audience),
    createdAt: integer(createdAt),
    authenticatedAt: integer(authenticatedAt),
    amr: amr === null ? null : list(amr),
    acr: nullableText(acr),
    lastSeenAt: integer(lastSeenAt),
    idleLifetime: integer(idleLifetime),
    idleExpiresAt: integer(idleExpiresAt),
    expiresAt: integer(expiresAt),
    rotation:
      generation === null
        ? null
        : {
            generation: integer(generation),
            rotatedAt: integer(rotatedAt),
            usedAt: usedAt === null ? null : integer(usedAt),
            previousJti: nullableText(previousJti),
          },
  }
}

function readRefreshToken([hash, salt, secretId]: Row): RefreshTokenRecord | null {
  return hash === null ? null : { hash: text(hash), salt: nullableText(salt), secretId: text(secretId) }
}

function readDevice([name, kind, userAgent, ip]: Row): Device {
  return {
    name: nullableText(name),
    kind: text(kind) as DeviceKind,
    userAgent: nullableText(userAgent),
    ip: nullableText(ip),
  }
}

export function text(cell: Cell): string {
  if (typeof cell === 'string') return cell
  if (Buffer.isBuffer(cell)) return cell.toString('utf8')
  throw new StoreDataError('a column that holds text holds something else')
}

/** Frozen, since what was read once is handed to many. */
function list(cell: Cell): readonly string[] {
  const value = parse(text(cell))
  if (!Array.isArray(value) || !value.every((entry) => typeof entry === 'string'))
    throw new StoreDataError('a column that holds a JSON list of texts holds something else')
  return Object.freeze(value)
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch (error) {
    throw new StoreDataError('a column that holds JSON holds something else', { cause: error })
  }
}

export function nullableText(cell: Cell): string | null {
  return cell === null ? null : text(cell)
}

/** Drivers give whole numbers as number, bigint or text, by engine and setting. */
export function integer(cell: Cell): number {
  const value =
    typeof cell === 'number' ? cell : typeof cell === 'string' || typeof cell === 'bigint' ? Number(cell) : Number.NaN
  if (!Number.isSafeInteger(value)) throw new StoreDataError('a column that holds a whole number holds something else')
  return value
}
