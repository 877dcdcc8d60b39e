import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto'

export interface User {
  readonly userId: string
  readonly role: 'admin' | 'member'
  hasPassword(password: string): Promise<boolean>
}

export interface Users {
  /** The user of this name. A name that nobody has gets a user whose password nobody knows, and costs the same time. */
  find(username: string): User
}

/** The demo's accounts; here a username is also the user id. */
export const accounts = [
  { username: 'alice', password: 'wonderland', role: 'admin' },
  { username: 'bob', password: 'builder', role: 'member' },
] as const

/** Of the settings that OWASP calls equal, the one that fits the 32 MB Node lets scrypt have. */
const cost = { N: 2 ** 14, r: 8, p: 5 }
const hashLength = 64

export async function createUsers(): Promise<Users> {
  const stored = accounts.map(async ({ username, password, role }) => {
    const salt = randomBytes(16)
    return createUser(username, role, salt, await hash(password, salt))
  })
  const users = new Map((await Promise.all(stored)).map((user) => [user.userId, user]))
  const nobody = createUser('nobody', 'member', randomBytes(16), randomBytes(hashLength))
  return { find: (username) => users.get(username) ?? nobody }
}

function createUser(userId: string, role: User['role'], salt: Buffer, wanted: Buffer): User {
  return {
    userId,
    role,
    hasPassword: async (password) => timingSafeEqual(await hash(password, salt), wanted),
  }
}

function hash(password: string, salt: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(password.normalize(), salt, hashLength, cost, (error, key) => (error ? reject(error) : resolve(key)))
  })
}
