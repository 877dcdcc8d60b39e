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
  const auth = framework === 'Hono' ? honoAuth(sessions) : expressAuth(sessions)
  const listener =
    framework === 'Hono'
      ? listenerOf(auth as ReturnType<typeof honoAuth>)
      : express().use((auth as ReturnType<typeof expressAuth>).routes)
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    server,
    async close() {
      const closed = once(server, 'close')
      auth.close()
      server.close()
      await closed
    },
  }
}

function listenerOf(auth: ReturnType<typeof honoAuth>): RequestListener {
  return getRequestListener(new Hono().use(auth.routes).fetch, { overrideGlobalObjects: false })
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
