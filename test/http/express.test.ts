import { createServer } from 'node:http'
import express from 'express'
import { afterEach, describe, expect, test } from 'vitest'
import { expressAuth } from '../../adapters/express/index.js'
import type { ServedApp } from '../conformance/http/harness.js'
import { describeFramework } from '../conformance/http/index.js'
import { samePage, send } from '../conformance/http/send.js'
import { listen } from './listen.js'
import { openSessions } from './open.js'
import { expressHarness } from './serve-express.js'

describeFramework('express', expressHarness)

describe('expressAuth', () => {
  let served: ServedApp
  afterEach(() => served.close())

  test('leaves what other middleware has set: cookies, Vary and the headers of CORS', async () => {
    const auth = expressAuth(await openSessions(), { from: 'either' })
    const app = express()
    app.use((_req, res, next) => {
      res.cookie('theme', 'dark').vary('Accept-Encoding').set('Access-Control-Allow-Origin', 'https://app.example')
      next()
    })
    app.use('/auth', auth.routes)
    app.get('/me', auth.guard(), (_req, res) => void res.json(res.locals.auth.claims.role))
    app.post('/login', (req, res) => auth.logIn(req, res, { userId: 'ann', mode: 'cookie' }))
    served = await listen(createServer(app))
    const login = await send(served.url, { route: 'POST /login', headers: samePage })
    expect(login.cookies.map(({ name }) => name)).toEqual([
      'theme',
      '__Host-rollcall-access',
      '__Secure-rollcall-refresh',
      '__Host-rollcall-expiry',
    ])
    for (const route of ['GET /me', 'GET /auth/session']) {
      const answer = await send(served.url, { route })
      expect([answer.summary, answer.headers['access-control-allow-origin'], answer.headers['vary']]).toEqual([
        '401 token_missing',
        'https://app.example',
        'Accept-Encoding, Authorization, Cookie, Origin, Sec-Fetch-Site',
      ])
    }
  })

  test('refuses what a parser has made and nobody can write down again', async () => {
    const auth = expressAuth(await openSessions(), { clients: { api: { secret: 's'.repeat(32) } } })
    const app = express().use(express.urlencoded({ extended: true }), auth.routes)
    served = await listen(createServer(app))
    const headers = [
      ['Authorization', `Basic ${btoa(`api:${'s'.repeat(32)}`)}`],
      ['Content-Type', 'application/x-www-form-urlencoded'],
    ] as const
    const summaryOf = async (route: string): Promise<string> =>
      (await send(served.url, { route, headers, body: 'token[toString]=x' })).summary
    expect(await summaryOf('POST /auth/introspect')).toBe('400 invalid_request')
    expect(await summaryOf('POST /auth/nothing')).toBe('404 not_found')
  })

  test('notes the address that Express trusts, and no header that it does not', async () => {
    const sessions = await openSessions()
    const auth = expressAuth(sessions)
    for (const [isTrusted, ip] of [
      [false, '127.0.0.1'],
      [true, '203.0.113.7'],
    ] as const) {
      const app = express().set('trust proxy', isTrusted)
      app.post('/login', (req, res) => auth.logIn(req, res, { userId: ip }))
      served = await listen(createServer(app))
      await send(served.url, { route: 'POST /login', headers: [['X-Forwarded-For', '203.0.113.7']] })
      expect((await sessions.list(ip))[0]!.device.ip).toBe(ip)
      if (!isTrusted) await served.close()
    }
  })

  test('survives a guard and a login that nobody awaited, and reports them', async () => {
    const reported: unknown[] = []
    const auth = expressAuth(await openSessions(), { report: (error) => void reported.push(String(error)) })
    const app = express()
    app.get('/me', (req, res) => {
      void auth.guard()(req, res as never, () => {})
      res.json('let in')
    })
    app.post('/login', (req, res) => {
      void auth.logIn(req, res, { userId: 'ann' })
      res.json('answered')
    })
    served = await listen(createServer(app))
    for (const route of ['GET /me', 'POST /login']) expect((await send(served.url, { route })).status).toBe(200)
    await expect.poll(() => reported).toHaveLength(2)
    expect(reported[0]).toMatch(/answered before its guard or logIn was done/)
  })
})
