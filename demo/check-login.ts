import { RollcallError } from 'rollcall'
import type { LogInOptions } from 'rollcall/http'
import type { AppParts } from './app-parts.js'
import { WrongCredentials } from './refusal.js'

/**
 * Checks the parsed body of a login, `{ username, password, device?: { name? }, mode?, persistent? }`.
 * @throws WrongCredentials; RollcallError `invalid_request`
 */
export async function checkLogin({ sessions, users }: AppParts, body: unknown): Promise<LogInOptions> {
  const { username, password, ...options } = readLogin(body)
  const user = users.find(username)
  // Read before the password is checked: a "logout everywhere" in between refuses this login.
  const expectedTokenVersion = await sessions.tokenVersion(user.userId)
  if (!(await user.hasPassword(password))) throw new WrongCredentials()
  return { ...options, userId: user.userId, expectedTokenVersion, amr: ['pwd'] }
}

interface Login extends Pick<LogInOptions, 'device' | 'mode' | 'persistent'> {
  readonly username: string
  readonly password: string
}

function readLogin(body: unknown): Login {
  const { username, password, device, mode, persistent } = readObject(body)
  const name = device === undefined ? undefined : readObject(device)['name']
  if (typeof username !== 'string' || typeof password !== 'string') throw malformed()
  if (name !== undefined && typeof name !== 'string') throw malformed()
  if (mode !== undefined && mode !== 'bearer' && mode !== 'cookie') throw malformed()
  if (persistent !== undefined && typeof persistent !== 'boolean') throw malformed()
  return { username, password, device: { name }, mode, persistent }
}

function readObject(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw malformed()
  return value as Readonly<Record<string, unknown>>
}

function malformed(): RollcallError {
  return new RollcallError('invalid_request')
}
