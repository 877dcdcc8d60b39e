import { createServer } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import { Hono } from 'hono'
import { honoAuth } from '../../adapters/hono/index.js'
import type { FrameworkHarness } from '../conformance/http/harness.js'
import { listen } from './listen.js'

export const honoHarness: FrameworkHarness = {
  async serve({ sessions, options, guarded, describe, logIn, throwIt, parsesBodies, mountedAt }) {
    const auth = honoAuth(sessions, options)
    const app = new Hono()
    if (parsesBodies) {
      app.use(async (c, next) => {
        await c.req.text()
        await next()
      })
    }
    if (mountedAt === '') app.use(auth.routes)
    else app.route(mountedAt, new Hono().use(auth.routes))
    for (const [path, guard] of Object.entries(guarded)) {
      app.on(['GET', 'POST'], path, auth.guard(guard), (c) => c.json(describe(c.get('auth')) as null))
    }
    app.post('/login', (c) => auth.logIn(c, logIn(c.req.query('as')!)))
    app.get('/throws', throwIt)
    app.onError(auth.onError)
    const served = await listen(
      createServer({ maxHeaderSize: 256 * 1_024 }, getRequestListener(app.fetch, { overrideGlobalObjects: false })),
    )
    return {
      url: served.url,
      close() {
        auth.close()
        return served.close()
      },
    }
  },
}
