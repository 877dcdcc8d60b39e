import type { Sessions, TokenPair } from 'rollcall'
import { readJson, readOptional, readString } from './read-json.js'
import { Refusal } from './refusal.js'
import type { Users } from './users.js'

/** Checks `{ username, password, device?: { name? } }` and starts a session on this device. */
export async function logIn(
  sessions: Sessions<object, never, string>,
  users: Users,
  request: Request,
  ip: string | undefined,
): Promise<TokenPair<string>> {
  const body = await readJson(request)
  const username = readString('username', body['username'])
  const password = readString('password', body['password'])
  const device = readOptional('device', body['device'], 'object')
  const name = readOptional('device.name', device?.['name'], 'string')
  const user = users.find(username)
  // Read before the password is checked: a "logout everywhere" in between refuses this login.
  const expectedTokenVersion = await sessions.tokenVersion(user.userId)
  if (!(await user.hasPassword(password)))
    throw new Refusal(401, 'invalid_credentials', 'The username or the password is wrong')
  return sessions.create({
    userId: user.userId,
    expectedTokenVersion,
    device: { name, userAgent: request.headers.get('user-agent'), ip },
    amr: ['pwd'],
  })
}
