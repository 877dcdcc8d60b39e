import { RollcallError } from '../errors.js'
import type { ListOptions, SessionListEntry } from '../list.js'
import { answer } from './answer.js'
import { readJson, readString } from './body.js'
import { createGuard, critical } from './guard.js'
import type { Http } from './http.js'
import { answerLoggedOut } from './logout-routes.js'
import { queryOf, type RequestHead } from './request.js'
import type { Routes } from './routes.js'

/** `GET session`, `GET events`, and the devices of the user: `GET sessions`, `PATCH sessions/:sid`, `DELETE sessions/:sid`. */
export function createDeviceRoutes(http: Http<unknown>): Routes {
  const { sessions, settings } = http
  const guard = createGuard(http, critical)
  // A page that asks whether it is still logged in, or shows the devices, must not keep itself logged in by that.
  const guardList = createGuard(http, critical, false)
  const watch = createGuard(http, {}, false)
  const guardOthers = createGuard(http, { ...settings.revokeOthers, ...critical })

  return {
    'GET session': async ({ request }) => {
      const auth = await watch(request)
      const { userId, sid, authenticatedAt, amr, acr, expiresAt, idleExpiresAt, sessionExpiresAt } = auth!
      const now = new Date(settings.clock.wall())
      return answer({ userId, sid, authenticatedAt, amr, acr, expiresAt, idleExpiresAt, sessionExpiresAt, now })
    },

    'GET events': async ({ request }) => {
      const { userId, sid } = (await watch(request))!
      return http.streams.open({ userId, sid }, request)
    },

    'GET sessions': async ({ request }) => {
      const { userId, sid } = (await guardList(request))!
      const page = readPage(request)
      const found = await sessions.list(userId, { current: sid, ...page })
      const last = found.length === page.limit ? found.at(-1) : undefined
      return answer({ sessions: found, next: last === undefined ? null : cursorOf(last) })
    },

    'PATCH sessions/*': async ({ request, wildcard }) => {
      const { userId } = (await guard(request))!
      const name = readString(await readJson(request), 'name')
      const { renamed } = await sessions.rename(userId, wildcard, name)
      if (renamed === 0) throw new RollcallError('not_found')
      return answer(undefined)
    },

    'DELETE sessions/*': async ({ request, wildcard }) => {
      const auth = (await guard(request))!
      if (auth.sid !== wildcard) await guardOthers(request)
      const { revoked } = await sessions.revoke(auth.userId, wildcard, { actor: auth.sid })
      if (revoked === 0) throw new RollcallError('not_found')
      return auth.sid === wildcard ? answerLoggedOut(http, auth.from) : answer(undefined)
    },
  }
}

const defaultLimit = 100

/** `?limit=` and `?after=`, which is the `next` of the page before. @throws RollcallError `invalid_request` */
function readPage(request: RequestHead): Required<Pick<ListOptions<never>, 'limit' | 'after'>> {
  const query = queryOf(request)
  const limit = Number(query.get('limit') ?? defaultLimit)
  if (!Number.isInteger(limit) || limit < 1 || limit > 1_000) throw new RollcallError('invalid_request')
  const cursor = query.get('after')
  if (cursor === null) return { limit, after: undefined }
  const [, time, sid] = /^(\d{1,15})\.([\w-]{1,64})$/.exec(cursor) ?? []
  if (time === undefined || sid === undefined) throw new RollcallError('invalid_request')
  return { limit, after: { createdAt: new Date(Number(time)), sid } }
}

function cursorOf({ createdAt, sid }: SessionListEntry): string {
  return `${createdAt.getTime()}.${sid}`
}
