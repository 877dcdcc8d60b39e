/** What a page about HTTP leaves to its reader: the sessions and the users of the quick start. */
export const ownFiles: Readonly<Record<string, string>> = {
  'sessions.ts': `import { createKeyRing, createSessions, generateKeys } from 'rollcall'
import { memoryStore } from 'rollcall/memory'
export const sessions = createSessions({
  store: memoryStore(),
  keys: await createKeyRing(await generateKeys()),
  issuer: 'https://api.example.com',
  audience: 'https://api.example.com',
  refreshToken: { secret: 'a secret of thirty-two bytes or more' },
  claims: () => ({ role: 'member' }),
})
`,
  'users.ts': `import { sessions } from './sessions.js'
export async function checkPassword(email: unknown, password: unknown) {
  const expectedTokenVersion = await sessions.tokenVersion(42)
  return email === 'a@b.c' && password === 'right' ? { userId: 42, expectedTokenVersion, amr: ['pwd'] } : null
}
`,
}

/** A login that these let in. */
export const goodLogin = { email: 'a@b.c', password: 'right' }
