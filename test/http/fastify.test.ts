import { once } from 'node:events'
import { connect, type IncomingHttpHeaders, type IncomingHttpStatusHeader, type OutgoingHttpHeaders } from 'node:http2'
import { text } from 'node:stream/consumers'
import fastify from 'fastify'
import { describe, expect, test } from 'vitest'
import { fastifyAuth } from '../../adapters/fastify/index.js'
import { describeFramework } from '../conformance/http/index.js'
import { openSessions } from './open.js'
import { fastifyHarness } from './serve-fastify.js'

describeFramework('fastify', fastifyHarness)

describe('fastifyAuth', () => {
  test('answers inject as it answers a socket: body, parsed or not, two headers and cookies', async () => {
    const sessions = await openSessions()
    const auth = fastifyAuth(sessions, { from: 'either' })
    const app = fastify()
    await app.register(auth.routes)
    app.get('/me', { onRequest: auth.guard() }, async (request) => ({ role: auth.of(request).claims.role }))
    app.post('/login', (request, reply) => auth.logIn(request, reply, { userId: 'ann', mode: 'cookie' }))
    const { accessToken, refreshToken } = await sessions.create({ userId: 'ann' })

    const me = await app.inject({ url: '/me', headers: { authorization: `Bearer ${accessToken}` } })
    expect([me.statusCode, me.json()]).toEqual([200, { role: 'member' }])
    const two = { authorization: [`Bearer ${accessToken}`, 'Bearer a.b.c'] as unknown as string }
    expect((await app.inject({ url: '/me', headers: two })).statusCode).toBe(400)
    const refreshed = await app.inject({ method: 'POST', url: '/auth/refresh', payload: { refreshToken } })
    expect(refreshed.json()).toMatchObject({ outcome: 'unchanged', refreshToken })
    const headers = { 'sec-fetch-site': 'same-origin', 'x-requested-with': 'fetch' }
    const login = await app.inject({ method: 'POST', url: '/login', headers })
    expect(login.cookies.map(({ name }) => name)).toHaveLength(3)
    const cookies = Object.fromEntries(login.cookies.map(({ name, value }) => [name, value]))
    expect((await app.inject({ url: '/me', cookies })).statusCode).toBe(200)
    expect((await app.inject({ method: 'POST', url: '/auth/logout', headers, cookies })).statusCode).toBe(204)
    expect((await app.inject({ url: '/me', cookies })).json()).toMatchObject({ code: 'session_ended' })
    await app.close()
  })

  test('serves HTTP/2, whose requests name their host otherwise', async () => {
    const sessions = await openSessions()
    const auth = fastifyAuth(sessions, { from: 'either' })
    const app = fastify({ http2: true })
    await app.register(auth.routes)
    app.post('/me', { onRequest: auth.guard() }, async (request) => ({ role: auth.of(request).claims.role }))
    const url = await app.listen({ host: '127.0.0.1', port: 0 })
    const client = connect(url)
    const call = async (headers: OutgoingHttpHeaders, body = ''): Promise<[number | undefined, unknown]> => {
      const stream = client.request({ ':method': 'POST', ...headers })
      stream.end(body)
      const [answered] = (await once(stream, 'response')) as [IncomingHttpHeaders & IncomingHttpStatusHeader]
      return [answered[':status'], JSON.parse((await text(stream)) || 'null')]
    }
    const { accessToken, refreshToken } = await sessions.create({ userId: 'ann' })
    expect(await call({ ':path': '/me', authorization: `Bearer ${accessToken}` })).toEqual([200, { role: 'member' }])
    const json = { 'content-type': 'application/json' }
    const refreshed = await call({ ':path': '/auth/refresh', ...json }, JSON.stringify({ refreshToken }))
    expect(refreshed).toEqual([200, expect.objectContaining({ outcome: 'unchanged' })])
    const cookie = `__Host-rollcall-access=${accessToken}`
    const marked = { ':path': '/me', cookie, 'x-requested-with': 'fetch' }
    expect(await call({ ...marked, origin: url })).toEqual([200, { role: 'member' }])
    expect((await call({ ...marked, origin: 'https://evil.example' }))[0]).toBe(403)
    client.close()
    await app.close()
  })

  test('keeps the routes of the app apart from what it does to its own: parsers stay', async () => {
    const auth = fastifyAuth(await openSessions())
    const app = fastify()
    await app.register(auth.routes)
    app.post('/echo', async (request) => request.body)
    expect((await app.inject({ method: 'POST', url: '/echo', payload: { a: 1 } })).json()).toEqual({ a: 1 })
    await app.close()
  })

  test('says which routes lack a guard, or have one that lets nobody in', async () => {
    const auth = fastifyAuth(await openSessions())
    const app = fastify()
    app.get('/none', async (request) => auth.find(request))
    app.get('/open', { onRequest: auth.guard({ optional: true }) }, async (request) => auth.of(request))
    expect((await app.inject('/none')).json()).toMatchObject({ message: expect.stringContaining('has no guard') })
    expect((await app.inject('/open')).statusCode).toBe(500)
    await app.close()
  })

  test('refuses a prefix that its basePath lacks, and adds to a Vary that is there', async () => {
    const auth = fastifyAuth(await openSessions())
    const app = fastify()
    app.addHook('onRequest', (_request, reply, done) => {
      reply.header('vary', 'Accept-Encoding')
      done()
    })
    await app.register(auth.routes)
    const { headers } = await app.inject('/auth/session')
    expect(headers.vary).toBe('Accept-Encoding, Authorization, Cookie, Origin, Sec-Fetch-Site')
    await app.close()
    const wrong = fastify()
    void wrong.register(auth.routes, { prefix: '/api' })
    await expect(wrong.ready()).rejects.toThrow('basePath is the whole path')
  })
})
