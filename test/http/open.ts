import { createSessions, type Sessions } from '../../src/sessions.js'
import type { SessionsOptions } from '../../src/settings.js'
import { memoryStore } from '../../src/memory-store.js'
import { createKeyRing } from '../../src/tokens/key-ring.js'

/** The verbs over memory, with refresh tokens, by the system's clock. */
export async function openSessions(
  settings: Pick<SessionsOptions<{ role: string }>, 'store' | 'freshness'> = { store: memoryStore() },
): Promise<Sessions<{ role: string }, never, string>> {
  return createSessions({
    ...settings,
    keys: await createKeyRing({ secret: 'a secret of thirty-two bytes or more' }),
    issuer: 'https://issuer.example',
    audience: 'https://api.example',
    refreshToken: { secret: 'another secret of thirty-two bytes' },
    claims: () => ({ role: 'member' }),
  })
}
