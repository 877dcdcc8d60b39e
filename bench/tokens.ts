import { createKeyRing, type KeyRing } from 'rollcall'
import { audience, jtiOf, keyOf, type Roll } from './fill.js'

export { audience }
export const secret = 'a secret of thirty-two bytes or more'
export const issuer = 'https://issuer.example'
export const type = 'at+jwt'

export function openKeys(): Promise<KeyRing> {
  return createKeyRing({ secret })
}

/** Some of the sessions of a roll, with an access token each. */
export interface Sample {
  readonly roll: Roll
  /** Their numbers in the roll. */
  readonly sessions: readonly number[]
  readonly tokens: readonly string[]
}

export async function drawSample(keys: KeyRing, roll: Roll, count: number): Promise<Sample> {
  const chosen = new Set<number>()
  while (chosen.size < count) chosen.add(Math.floor(Math.random() * roll.sessions))
  const sessions = [...chosen]
  return { roll, sessions, tokens: await Promise.all(sessions.map((session) => signToken(keys, roll, session))) }
}

/** The token that `create` would have made for the session that `fill` wrote. */
export function signToken(keys: KeyRing, roll: Roll, session: number): Promise<string> {
  const { userId, sid } = keyOf(roll, session)
  const now = Math.floor(Date.now() / 1_000)
  const times = { exp: now + 30 * 86_400, iat: now, auth_time: now }
  const names = { jti: jtiOf(session), sid, amr: ['pwd'], tokenVersion: 0 }
  return keys.sign(type, { iss: issuer, sub: userId, aud: audience, ...times, ...names })
}
