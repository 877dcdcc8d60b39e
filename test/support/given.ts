import { memoryStore } from '../../src/memory-store.js'
import type { SessionsOptions } from '../../src/settings.js'
import { createKeyRing, type KeyRing } from '../../src/tokens/key-ring.js'

const keys: KeyRing = await createKeyRing({ secret: 'a secret of thirty-two bytes or more' })
export const base: { keys: KeyRing; issuer: string; audience: string[] } = {
  keys,
  issuer: 'https://issuer.example',
  audience: ['https://api.example', 'https://admin.example'],
}

/** Options for `createSessions` over a memory store of its own, with some of them changed. */
export const given = (changes: object): SessionsOptions => ({
  store: memoryStore(),
  ...base,
  ...changes,
})
