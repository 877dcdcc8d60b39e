import { LRUCache } from 'lru-cache'
import { readAccessToken, type AccessTokenClaims } from './access-token.js'
import type { KeyRing } from './key-ring.js'

/** Reads the access tokens of one issuer and key ring, each but once: a token that verified is known by its whole text. */
export interface AccessTokenReader {
  /** The claims of a genuine token, at once when it is known. @throws RollcallError `token_malformed`, `token_invalid` */
  read(token: string): AccessTokenClaims | Promise<AccessTokenClaims>
  status(): TokenCacheStatus
}

export interface TokenCacheStatus {
  readonly entries: number
  /** About how much memory they take. */
  readonly bytes: number
  readonly hits: number
  readonly misses: number
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** A part of a longer text, such as of a header, keeps all of it in memory. */
function copyOf(text: string): string {
  return decoder.decode(encoder.encode(text))
}

interface Known {
  readonly token: string
  readonly claims: AccessTokenClaims
}

/**
 * By what a token is found: the end of its signature, since to hash all of it takes longer than all the rest of a verify
 * that reads nothing. It is known only when it is the same from end to end.
 */
function keyOf(token: string): string {
  return token.slice(-32)
}

/** What an entry takes beside its text, in bytes. */
const overhead = 1_000
const maximumBytes = 64 * 1_024 * 1_024

/**
 * Only what verified is kept, so that forged tokens push nothing out; one caller's token is verified once however many
 * show it at the same time. A cache belongs to one reader: no other keys or issuer can ask it.
 * @param maximum how many tokens are kept; 0 keeps none
 */
export function createAccessTokenReader(keys: KeyRing, issuer: string, maximum: number): AccessTokenReader {
  const known =
    maximum === 0
      ? null
      : new LRUCache<string, Known>({
          max: maximum,
          maxSize: maximumBytes,
          sizeCalculation: ({ token }) => 3 * token.length + overhead,
        })
  const underWay = new Map<string, Promise<AccessTokenClaims>>()
  const counts = { hits: 0, misses: 0 }

  async function verify(token: string): Promise<AccessTokenClaims> {
    counts.misses += 1
    try {
      const claims = await readAccessToken(keys, issuer, token)
      const text = copyOf(token)
      known?.set(keyOf(text), { token: text, claims })
      return claims
    } finally {
      underWay.delete(token)
    }
  }

  return {
    read(token) {
      // Whatever else callers pass for a token is told apart where its form is checked.
      const entry = typeof token === 'string' ? known?.get(keyOf(token)) : undefined
      if (entry !== undefined && entry.token === token) {
        counts.hits += 1
        return entry.claims
      }
      const shared = underWay.get(token) ?? verify(token)
      underWay.set(token, shared)
      return shared
    },
    status: () => ({ entries: known?.size ?? 0, bytes: known?.calculatedSize ?? 0, ...counts }),
  }
}
