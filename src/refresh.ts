import { announce, announceChange, askStore, askToEnd } from './ask-store.js'
import { draftEvent } from './change.js'
import type { Context } from './context.js'
import { cleanDevice, type Device, type DeviceInput } from './device.js'
import { RollcallError } from './errors.js'
import { noteUse } from './note-use.js'
import type { RefreshOutcome } from './notifier.js'
import { checkBoolean, checkOptions } from './options.js'
import type { RefreshRecord, RefreshTokenRecord, RotatedSession, Scope, Store } from './ports/store.js'
import { decideRotation, type ReuseKind } from './rotation.js'
import { decideSessionStanding } from './standing.js'
import { mintPayload, signPair, type TokenPair } from './token-pair.js'
import { randomId } from './tokens/format.js'
import { hashRefreshToken, randomSalt, type RefreshToken, type RefreshTokens } from './tokens/refresh-token.js'

export interface RefreshOptions {
  /** Where the request comes from. A rotation writes its `ip` and `userAgent` to the session, also what it lacks of them; the name stays. */
  readonly device?: Pick<DeviceInput, 'ip' | 'userAgent'> | null | undefined
  /** Whether the session is in use by this, so that its idle lifetime begins anew. `false` for what asks by itself. Default `true`. */
  readonly countsAsUse?: boolean | undefined
}

export interface Refreshed extends TokenPair<string> {
  /**
   * `rotated`: a new pair. `unchanged`: the same refresh token, since the pair is younger than `grace`. `redelivered` and
   * `redelivered-late`: the successor of a spent one, for a client that may never have got it.
   */
  readonly outcome: RefreshOutcome
}

/** Whoever loses a race finds the winner's row at the next read; only a storm of other changes makes for more. */
const attempts = 10

/** What a refresh works with once its token proved genuine. */
interface Turn<Claims, Transaction> {
  readonly context: Context<Claims, Transaction>
  readonly tokens: RefreshTokens
  readonly shown: RefreshToken
  readonly hash: string
  /** `null` when the caller named none. */
  readonly device: Device | null
  readonly countsAsUse: boolean
  /** How old a pair is counts from here to when it was made: the wait for a lock must not use up a caller's grace. */
  readonly arrivedAt: number
}

/** The pair to hand out: `record` is the row as it is now, `before` the device as it was. */
interface Answered {
  readonly outcome: RefreshOutcome
  readonly record: RefreshRecord
  readonly next: RefreshToken
  readonly before: Device
}

/** Form and MAC, and only then the store: what is forged costs it nothing and ends nobody's session. */
export async function refresh<Claims, Transaction>(
  context: Context<Claims, Transaction>,
  refreshToken: string,
  options: RefreshOptions | undefined,
): Promise<Refreshed> {
  checkOptions('refresh', options, ['device', 'countsAsUse'])
  const countsAsUse = options?.countsAsUse === undefined || checkBoolean('countsAsUse', options.countsAsUse)
  const { refreshTokens: tokens } = context
  if (tokens === null) throw new TypeError('refresh needs the option refreshToken of createSessions')
  const arrivedAt = context.clock.wall()
  const device = options?.device ? cleanDevice(options.device) : null
  const shown = await tokens.read(refreshToken)
  const turn = { context, tokens, shown, hash: await hashRefreshToken(shown), device, countsAsUse, arrivedAt }
  const answered = await askStore(context, undefined, async (store, { signal }) => {
    const found = await answer(turn, store, { signal })
    if (typeof found === 'string') await endReused(context, store, { signal }, shown, found)
    return found
  })
  if (typeof answered === 'string') throw new RollcallError('refresh_token_reused')
  const { outcome, record, next } = answered
  if (outcome === 'rotated' || outcome === 'redelivered-late') {
    // The access token before this one ends after grace, or now. It ended by no event: one for each refresh would be many.
    announceChange(context, record)
  }
  // Who shows the current token has it; who is only now given it has yet to show that it arrived.
  if (outcome === 'unchanged') noteUse(context, record, record.jti, countsAsUse)
  // Last, and for every outcome alike: whatever fails from here on, the same token is answered with this pair again.
  const payload = await mintPayload(context, record, undefined)
  const pair = await signPair(context, payload, record, record.tokenVersion, next)
  tell(turn, answered)
  return { ...(pair as TokenPair<string>), outcome }
}

/**
 * Reads, decides, and for a rotation writes; whoever loses that race reads again. No two statements share a
 * transaction, so that no snapshot hides the winner, and one connection is enough.
 */
async function answer<Claims, Transaction>(
  turn: Turn<Claims, Transaction>,
  store: Store<Transaction>,
  scope: Scope<never>,
): Promise<Answered | ReuseKind> {
  const { context, shown, hash } = turn
  for (let attempt = 1; attempt <= attempts; attempt += 1) {
    const now = context.clock.wall()
    const standing = decideSessionStanding(shown, await store.readForRefresh(shown, scope), now)
    if (!standing.stands) throw new RollcallError(standing.code)
    const { record } = standing
    const { rotation, refreshToken, device: before } = record
    if (rotation === null || refreshToken === null) throw new RollcallError('refresh_token_invalid')

    const successor = await successorOf(turn, refreshToken, rotation.generation)
    const facts = {
      generation: shown.generation,
      isCurrent: hash === refreshToken.hash,
      isParent: successor !== null,
      isFromElsewhere: isFromElsewhere(before, turn.device),
    }
    const decision = decideRotation(facts, rotation, context.policy, turn.arrivedAt)
    if (decision.answer === 'behind') throw new RollcallError('store_behind')
    if (decision.answer === 'reuse') return decision.kind
    if (decision.answer === 'unchanged') return { outcome: 'unchanged', record, next: shown, before }
    if (decision.answer === 'redeliver') return { outcome: 'redelivered', record, next: successor!, before }

    const isLate = decision.answer === 'redeliver late'
    const { next, rotated } = await prepareRotation(turn, record, rotation.generation + 1, isLate, now)
    const hasWon = await store.rotate(shown, { hash: refreshToken.hash, onlyUnused: isLate }, rotated, scope)
    if (hasWon)
      return { outcome: isLate ? 'redelivered-late' : 'rotated', record: { ...record, ...rotated }, next, before }
  }
  throw new RollcallError('store_unavailable')
}

/** The row's current token, if it derives from the one that was shown. */
async function successorOf<Claims, Transaction>(
  { tokens, shown }: Turn<Claims, Transaction>,
  { hash, salt, secretId }: RefreshTokenRecord,
  generation: number,
): Promise<RefreshToken | null> {
  if (salt === null || shown.generation >= generation) return null
  const successor = await tokens.successor(shown, { generation, salt, secretId })
  return (await hashRefreshToken(successor)) === hash ? successor : null
}

/** The next pair. A late one also retires the access token of the pair it replaces, which nobody was seen to have. */
async function prepareRotation<Claims, Transaction>(
  { context: { random }, tokens, shown, device, countsAsUse }: Turn<Claims, Transaction>,
  record: RefreshRecord,
  generation: number,
  isLate: boolean,
  now: number,
): Promise<{ next: RefreshToken; rotated: RotatedSession }> {
  const salt = randomSalt(random)
  const next = await tokens.successor(shown, { generation, salt })
  const rotated = {
    jti: randomId(random),
    rotation: { generation, rotatedAt: now, usedAt: null, previousJti: isLate ? null : record.jti },
    refreshToken: { hash: await hashRefreshToken(next), salt, secretId: next.secretId },
    ...(countsAsUse ? seenAt(record, now) : { lastSeenAt: record.lastSeenAt, idleExpiresAt: record.idleExpiresAt }),
    // What the request lacks it lacks: the last one's must not stand for it.
    device: device === null ? record.device : { ...record.device, ip: device.ip, userAgent: device.userAgent },
  }
  return { next, rotated }
}

/** A node whose clock is ahead may have noted a later use. */
function seenAt(record: RefreshRecord, now: number): Pick<RotatedSession, 'lastSeenAt' | 'idleExpiresAt'> {
  const { lastSeenAt, idleLifetime, idleExpiresAt, expiresAt } = record
  return {
    lastSeenAt: Math.max(lastSeenAt, now),
    idleExpiresAt: Math.max(idleExpiresAt, Math.min(now + idleLifetime, expiresAt)),
  }
}

/** Ends the session of a spent token, or all of its user where the settings say so. Which ever it was, it stays spent. */
async function endReused<Claims, Transaction>(
  context: Context<Claims, Transaction>,
  store: Store<Transaction>,
  scope: Scope<never>,
  { userId, sid }: RefreshToken,
  kind: ReuseKind,
): Promise<void> {
  const event = draftEvent(context, 'refresh', { type: 'refresh_token_reused', userId, sid, reason: kind }, undefined)
  const isAll = context.policy.onReuse === 'revokeAll'
  const ended = await askToEnd(context, { userId, sid: isAll ? null : sid }, async () =>
    isAll
      ? store.raiseVersion(userId, { keepSid: null, onlyWhile: sid }, event, scope)
      : (await store.remove({ userId, sid }, event, scope)) && { tokenVersion: null },
  )
  // Of many who show spent tokens at once, one ends the session.
  if (ended) announce(context, { ...event, tokenVersion: ended.tokenVersion }, undefined)
}

function tell<Claims, Transaction>(
  { context: { notifier, clock }, device }: Turn<Claims, Transaction>,
  { outcome, record: { userId, sid }, before }: Answered,
): void {
  notifier.emit('refreshed', {
    userId,
    sid,
    outcome,
    isOtherIp: isOther(before.ip, device?.ip),
    isOtherUserAgent: isOther(before.userAgent, device?.userAgent),
    at: new Date(clock.wall()),
  })
}

/** Only an ip that is known can tell; a user agent is easily left out, and then counts as another one. */
function isFromElsewhere(before: Device, now: Device | null): boolean {
  return isOther(before.ip, now?.ip) === true && before.userAgent !== now?.userAgent
}

/** `null` when one of the two is not known. */
function isOther(before: string | null, now: string | null | undefined): boolean | null {
  return before === null || now === null || now === undefined ? null : before !== now
}
