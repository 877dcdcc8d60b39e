import type { Knex } from 'knex'
import { createSessions, type KeyRing, type Sessions, type Store } from 'rollcall'
import type { Settings } from './settings.js'
import type { Users } from './users.js'

export interface SessionsParts {
  readonly store: Store<Knex.Transaction>
  readonly keys: KeyRing
  readonly refreshSecret: string
  readonly users: Users
}

/** @throws Error naming the variable of the environment that holds no duration, or one out of bounds. */
export function openSessions(settings: Settings, parts: SessionsParts): Sessions<object, never, string> {
  const { issuer, accessLifetime, refreshGrace, sessionLifetime, idleLifetime } = settings
  const { store, keys, refreshSecret, users } = parts
  try {
    return createSessions({
      store,
      keys,
      issuer,
      audience: issuer,
      accessToken: { lifetime: accessLifetime },
      refreshToken: { secret: refreshSecret, grace: refreshGrace },
      session: { lifetime: sessionLifetime, idleLifetime },
      storeTimeout: '2s',
      claims: ({ userId }) => ({ role: users.find(userId).role }),
    })
  } catch (error) {
    throw nameVariable(error)
  }
}

const variables: Readonly<Record<string, string>> = {
  'accessToken.lifetime': 'ACCESS_LIFETIME',
  'refreshToken.grace': 'REFRESH_GRACE',
  'session.lifetime': 'SESSION_LIFETIME',
  'session.idleLifetime': 'IDLE_LIFETIME',
}

/** The library's refusal begins with the name of its option; whoever starts the demo knows the variable. */
function nameVariable(error: unknown): unknown {
  if (!(error instanceof TypeError)) return error
  const option = error.message.split(' ', 1)[0] ?? ''
  const variable = variables[option]
  return variable === undefined ? error : new Error(variable + error.message.slice(option.length))
}
