import { base64url } from 'jose'
import { RollcallError } from '../errors.js'
import { isUserId } from '../ids.js'
import type { Random } from '../ports/random.js'
import type { SessionKey } from '../ports/store.js'
import { decodeText, isCanonical } from './format.js'

/** One secret, or several for rotation: the first makes tokens, all read them. Each of 32 bytes or more. */
export type RefreshSecret = string | Uint8Array | readonly (string | Uint8Array)[]

/** A genuine refresh token. The text is the credential; everything else in it only says where it belongs. */
export interface RefreshToken extends SessionKey {
  readonly text: string
  /** How many rotations before it; 0 is what the login gave. */
  readonly generation: number
  /** Names the secret it was made under. */
  readonly secretId: string
}

/** Makes and reads the refresh tokens of one issuer. */
export interface RefreshTokens {
  /** The token of a login, of 256 random bits. */
  first(key: SessionKey): Promise<RefreshToken>
  /**
   * The token that follows this one: always the same for the same derivation, so that it can be delivered again without
   * being stored. `secretId` defaults to that of the secret in use.
   * @throws RollcallError `key_unavailable` when this process lacks the secret
   */
  successor(
    token: RefreshToken,
    derivation: { readonly generation: number; readonly salt: string; readonly secretId?: string },
  ): Promise<RefreshToken>
  /** @throws RollcallError `refresh_token_invalid`, `key_unavailable` */
  read(text: unknown): Promise<RefreshToken>
}

interface Secret {
  readonly id: string
  readonly macKey: CryptoKey
  readonly derivationKey: CryptoKey
}

type CryptoKey = Awaited<ReturnType<typeof crypto.subtle.importKey>>

/** Stands at the beginning of every refresh token, for secret scanners to find; see SECURITY.md. */
const prefix = 'rollcall_rt_'

const pattern = /^rollcall_rt_([\w-]{12})\.([\w-]{2,340})\.([\w-]{1,64})\.(0|[1-9]\d{0,14})\.([\w-]{43})\.([\w-]{43})$/
const maximumLength = 600
const minimumSecret = 32
const encoder = new TextEncoder()

/** Whether a text claims to be a refresh token; no other kind of token can begin like one. */
export function isRefreshToken(text: unknown): boolean {
  return typeof text === 'string' && text.startsWith(prefix)
}

/** @throws TypeError for a secret that is missing, short or given twice. */
export function createRefreshTokens(secret: RefreshSecret, issuer: string, random: Random): RefreshTokens {
  const secrets = readSecrets(secret)
  let opening: Promise<{ issuerTag: string; first: Secret; byId: ReadonlyMap<string, Secret> }> | undefined

  async function open(): Promise<{ issuerTag: string; first: Secret; byId: ReadonlyMap<string, Secret> }> {
    const issuerTag = base64url.encode((await digest(`rollcall issuer ${issuer}`)).subarray(0, 3))
    const opened = await Promise.all(secrets.map((bytes) => openSecret(bytes, issuer, issuerTag)))
    return { issuerTag, first: opened[0]!, byId: new Map(opened.map((entry) => [entry.id, entry])) }
  }
  const opened = (): ReturnType<typeof open> => (opening ??= open())

  async function secretOf(id: string): Promise<Secret> {
    const { byId, issuerTag } = await opened()
    const found = byId.get(id)
    if (found) return found
    // Another issuer's token is no business of ours. One of ours, under a secret that is not here, may be good elsewhere.
    throw new RollcallError(id.startsWith(issuerTag) ? 'key_unavailable' : 'refresh_token_invalid')
  }

  return {
    async first(key) {
      return seal((await opened()).first, key, 0, random(32))
    },

    async successor(token, { generation, salt, secretId }) {
      const secret = secretId === undefined ? (await opened()).first : await secretOf(secretId)
      const bits = await hmac(secret.derivationKey, `${salt}.${token.text}`)
      return seal(secret, token, generation, bits)
    },

    async read(text) {
      const parts = typeof text === 'string' && text.length <= maximumLength ? pattern.exec(text) : null
      if (parts === null) throw new RollcallError('refresh_token_invalid')
      const [whole, secretId, user, sid, generation, , mac] = parts as unknown as [string, ...string[]]
      const { macKey } = await secretOf(secretId!)
      const sealed = encoder.encode(whole.slice(0, -1 - mac!.length))
      const isGenuine =
        isCanonical(mac!) && (await crypto.subtle.verify('HMAC', macKey, base64url.decode(mac!) as Bytes, sealed))
      if (!isGenuine) throw new RollcallError('refresh_token_invalid')
      const userId = decodeText(base64url.decode(user!))
      // What `create` refuses was not made by it, whoever has the secret.
      if (!isUserId(userId)) throw new RollcallError('refresh_token_invalid')
      return { text: whole, userId, sid: sid!, generation: Number(generation), secretId: secretId! }
    },
  }
}

/** What a row keeps for the derivation of its token, so that each successor of a token is another. */
export function randomSalt(random: Random): string {
  return base64url.encode(random(32))
}

/**
 * What a row keeps of a token. Plain SHA-256 suffices for what holds 256 random bits, and the two digests of a
 * comparison tell nothing by its time that could be steered.
 */
export async function hashRefreshToken({ text }: RefreshToken): Promise<string> {
  return base64url.encode(await digest(text))
}

async function seal(
  { id, macKey }: Secret,
  { userId, sid }: SessionKey,
  generation: number,
  bits: Uint8Array,
): Promise<RefreshToken> {
  const body = `${prefix}${id}.${base64url.encode(userId)}.${sid}.${generation}.${base64url.encode(bits)}`
  const mac = base64url.encode(await hmac(macKey, body))
  return { text: `${body}.${mac}`, userId, sid, generation, secretId: id }
}

/**
 * Two keys of one secret (HKDF, RFC 5869), bound to the issuer: the one that tells genuine tokens from forged ones
 * derives none. The id names the secret as a thumbprint does, so that it needs no name in a configuration.
 */
async function openSecret(bytes: Uint8Array, issuer: string, issuerTag: string): Promise<Secret> {
  const root = await crypto.subtle.importKey('raw', bytes as Bytes, 'HKDF', false, ['deriveBits'])
  const derive = async (purpose: string, length: number): Promise<Uint8Array> => {
    const info = encoder.encode(`rollcall refresh token ${purpose} ${issuer}`)
    const parameters = { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(32), info }
    return new Uint8Array(await crypto.subtle.deriveBits(parameters, root, length * 8))
  }
  const hmacKey = async (purpose: string, usages: ('sign' | 'verify')[]): Promise<CryptoKey> =>
    crypto.subtle.importKey(
      'raw',
      (await derive(purpose, 32)) as Bytes,
      { name: 'HMAC', hash: 'SHA-256' },
      false,
      usages,
    )
  return {
    id: issuerTag + base64url.encode(await derive('id', 6)),
    macKey: await hmacKey('mac', ['sign', 'verify']),
    derivationKey: await hmacKey('derivation', ['sign']),
  }
}

type Bytes = Uint8Array<ArrayBuffer>

function readSecrets(given: RefreshSecret): readonly Uint8Array[] {
  const list: readonly unknown[] = Array.isArray(given) ? given : [given]
  const secrets = list.map((entry) => {
    const bytes = typeof entry === 'string' ? encoder.encode(entry) : entry
    if (!(bytes instanceof Uint8Array) || bytes.length < minimumSecret) {
      throw new TypeError(
        `refreshToken.secret must be ${minimumSecret} or more random bytes, as text or Uint8Array: openssl rand -base64 32`,
      )
    }
    // A copy: what the app does with its buffer afterwards must not change the keys.
    return Uint8Array.from(bytes)
  })
  if (secrets.length === 0) throw new TypeError('refreshToken.secret holds no secret')
  if (new Set(secrets.map((bytes) => base64url.encode(bytes))).size < secrets.length)
    throw new TypeError('refreshToken.secret holds one secret twice')
  return secrets
}

async function digest(text: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', encoder.encode(text)))
}

async function hmac(key: CryptoKey, text: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.sign('HMAC', key, encoder.encode(text)))
}
