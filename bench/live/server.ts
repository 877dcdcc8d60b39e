// Serves event streams of as many sessions as the benchmark wants, with one framework.
import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import express from 'express'
import fastify from 'fastify'
import { Hono } from 'hono'
import { createKeyRing, createSessions, generateKeys } from 'rollcall'
import { expressAuth } from 'rollcall/express'
import { fastifyAuth } from 'rollcall/fastify'
import { honoAuth } from 'rollcall/hono'
import { memoryStore } from 'rollcall/memory'
import { now, type Order, type Orders } from './orders.js'

const issuer = 'https://bench.example'
const sessions = createSessions({
  store: memoryStore(),
  keys: await createKeyRing(await generateKeys()),
  issuer,
  audience: issuer,
})
const sids: string[] = []

interface Served {
  readonly server: Server
  close(): Promise<unknown>
}

async function serve(framework: string): Promise<Served> {
  if (framework === 'Fastify') {
    const auth = fastifyAuth(sessions)
    const app = fastify()
    await app.register(auth.routes)
    await app.listen({ host: '127.0.0.1', port: 0 })
    return { server: app.server, close: () => app.close() }
  }
  return framework === 'Hono' ? serveHono() : serveExpress()
}

function serveHono(): Promise<Served> {
  const auth = honoAuth(sessions)
  const app = new Hono().use(auth.routes)
  return serveListener(getRequestListener(app.fetch, { overrideGlobalObjects: false }), auth.close)
}

function serveExpress(): Promise<Served> {
  const auth = expressAuth(sessions)
  return serveListener(express().use(auth.routes), auth.close)
}

async function serveListener(listener: RequestListener, endStreams: () => void): Promise<Served> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    server,
    async close() {
      const closed = once(server, 'close')
      endStreams()
      server.close()
      await closed
    },
  }
}

const { server, close } = await serve(process.argv[2]!)
server.maxConnections = 100_000

const orders: Orders = {
  async issue(count) {
    const tokens: string[] = []
    for (let index = 0; index < count; index += 1) {
      const { accessToken, session } = await sessions.create({ userId: `user-${index}` })
      sids.push(session.sid)
      tokens.push(accessToken)
    }
    return tokens
  },
  async memory() {
    for (let count = 0; count < 3; count += 1) globalThis.gc!()
    const { heapUsed, rss } = process.memoryUsage()
    return { heap: heapUsed, process: rss }
  },
  async revoke(index) {
    const begunAt = now()
    await sessions.revoke(`user-${index}`, sids[index]!)
    return begunAt
  },
  async stop() {
    const begunAt = now()
    await close()
    await sessions.close()
    return now() - begunAt
  },
}

process.on('message', async ({ name, given }: Order) => {
  process.send!(await (orders[name] as (...given: readonly unknown[]) => Promise<unknown>)(...given))
})
process.on('disconnect', () => process.exit(0))
process.send!((server.address() as AddressInfo).port)
