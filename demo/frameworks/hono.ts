import { getRequestListener } from '@hono/node-server'
import { Hono } from 'hono'
import { isRollcallError, RollcallError } from 'rollcall'
import { honoAuth } from 'rollcall/hono'
import { createActivity } from '../activity.js'
import { authOptions, type AppParts, type DemoApp } from '../app-parts.js'
import { checkLogin } from '../check-login.js'
import { openPageFiles } from '../page-files.js'
import { createPages, describeMe } from '../pages.js'
import { answerOther } from '../refusal.js'
import { readJson } from './read-json.js'

export async function createHonoApp(parts: AppParts): Promise<DemoApp> {
  const activity = createActivity(parts)
  const auth = honoAuth(activity.sessions, authOptions(parts))
  const app = new Hono()

  app.use(auth.routes)
  app.post('/login', async (c) => auth.logIn(c, await checkLogin(parts, await readJson(c.req.raw))))
  app.get('/api/me', auth.guard(), (c) => c.json(describeMe(c.get('auth')), 200, { 'Cache-Control': 'no-store' }))
  app.get('/api/activity', auth.guard(), async (c) =>
    c.json(await activity.list(c.get('auth').userId), 200, { 'Cache-Control': 'no-store' }),
  )
  for (const [path, answer] of Object.entries(await openPageFiles())) {
    app.get(path, (c) => {
      const { headers, body } = answer((name) => c.req.header(name))
      return c.body(body, 200, headers)
    })
  }
  for (const [path, page] of Object.entries(createPages(parts))) {
    app.get(path, async (c) => c.json((await page()) as object))
  }

  app.notFound((c) => auth.onError(new RollcallError('not_found'), c))
  app.onError((error, c) => {
    if (isRollcallError(error)) return auth.onError(error, c)
    const { status, headers, body } = answerOther(error, parts.report)
    return c.json(body, status, headers)
  })
  // The global Request and Response belong to the whole process, and stay Node's.
  return { listener: getRequestListener(app.fetch, { overrideGlobalObjects: false }), endStreams: auth.close }
}
