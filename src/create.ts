import { chooseAudience } from './audience.js'
import { announceDevices, askStore } from './ask-store.js'
import type { Context } from './context.js'
import { cleanDevice, type DeviceInput } from './device.js'
import { toMilliseconds, type Duration } from './durations.js'
import { RollcallError } from './errors.js'
import { canonicalUserId, type UserId } from './ids.js'
import { checkCount, checkOptions, checkText, checkTexts } from './options.js'
import type { NewSession } from './ports/store.js'
import { mintPayload, signPair, type TokenPair } from './token-pair.js'
import { randomId } from './tokens/format.js'
import { hashRefreshToken, type RefreshToken } from './tokens/refresh-token.js'

export interface CreateOptions<Transaction> {
  readonly userId: UserId
  readonly device?: DeviceInput | null | undefined
  /**
   * What `tokenVersion` answered before the password's hash was read. If it moved since, the login is refused
   * (`token_version_moved`): so a login that passed with an old password can't outlive the change of it.
   */
  readonly expectedTokenVersion?: number | undefined
  /** Default: all audiences of `createSessions`. */
  readonly audience?: string | readonly string[] | undefined
  /** Absolute lifetime of this session, 1 second to 3650 days. Default: `session.lifetime`. */
  readonly lifetime?: Duration | undefined
  /** Idle lifetime of this session, 1 second to 3650 days. Default: `session.idleLifetime`. */
  readonly idleLifetime?: Duration | undefined
  /** Authentication methods (RFC 8176), such as `['pwd', 'otp']`. */
  readonly amr?: readonly string[] | undefined
  /** Authentication context class. */
  readonly acr?: string | undefined
  readonly transaction?: Transaction | undefined
}

const known = [
  'userId',
  'device',
  'expectedTokenVersion',
  'audience',
  'lifetime',
  'idleLifetime',
  'amr',
  'acr',
  'transaction',
]

export async function create<Claims, Transaction>(
  context: Context<Claims, Transaction>,
  options: CreateOptions<Transaction>,
): Promise<TokenPair> {
  checkOptions('create', options ?? null, known)
  const expected =
    options.expectedTokenVersion === undefined
      ? null
      : checkCount('expectedTokenVersion', options.expectedTokenVersion, 0, Number.MAX_SAFE_INTEGER)
  const unrefreshed = newSession(context, options)
  const refreshToken = (await context.refreshTokens?.first(unrefreshed)) ?? null
  const session = refreshToken ? await withRefreshToken(unrefreshed, refreshToken) : unrefreshed
  const payload = await mintPayload(context, session, options.transaction)
  const inserted = await askStore(context, options.transaction, (store, scope) =>
    store.insert(session, expected, scope),
  )
  if (inserted.outcome === 'moved') throw new RollcallError('token_version_moved')
  if (inserted.outcome === 'suspended') throw new RollcallError('user_suspended')
  announceDevices(context, session.userId, options.transaction)
  return signPair(context, payload, session, inserted.tokenVersion, refreshToken)
}

async function withRefreshToken(session: NewSession, token: RefreshToken): Promise<NewSession> {
  const { createdAt } = session
  return {
    ...session,
    // The login's own token has no predecessor whose end its first use could be.
    rotation: { generation: token.generation, rotatedAt: createdAt, usedAt: createdAt, previousJti: null },
    refreshToken: { hash: await hashRefreshToken(token), salt: null, secretId: token.secretId },
  }
}

function newSession<Claims, Transaction>(
  context: Context<Claims, Transaction>,
  options: CreateOptions<Transaction>,
): NewSession {
  const { policy, clock, random } = context
  const lifetime =
    options.lifetime === undefined ? policy.lifetime : toMilliseconds(options.lifetime, 'lifetime', '1s', '3650d')
  const idleLifetime =
    options.idleLifetime === undefined
      ? policy.idleLifetime
      : toMilliseconds(options.idleLifetime, 'idleLifetime', '1s', '3650d')
  const now = clock.wall()
  const expiresAt = now + lifetime
  return {
    userId: canonicalUserId(options.userId),
    sid: randomId(random),
    jti: randomId(random),
    audience: chooseAudience(policy.audience, options.audience),
    device: cleanDevice(options.device),
    createdAt: now,
    authenticatedAt: now,
    amr: options.amr === undefined ? null : checkMethods(options.amr),
    acr: options.acr === undefined ? null : checkText('acr', options.acr, 255),
    lastSeenAt: now,
    idleLifetime,
    idleExpiresAt: Math.min(now + idleLifetime, expiresAt),
    expiresAt,
    rotation: null,
    refreshToken: null,
  }
}

function checkMethods(amr: unknown): readonly string[] {
  if (!Array.isArray(amr)) throw new TypeError("amr must be a list of texts, such as ['pwd']")
  return checkTexts('amr', amr, 64)
}
