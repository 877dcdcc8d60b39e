import express from 'express'
import fastify from 'fastify'
import { Hono } from 'hono'
import { expectTypeOf, test } from 'vitest'
import { expressAuth } from '../../adapters/express/index.js'
import { fastifyAuth } from '../../adapters/fastify/index.js'
import { honoAuth, type AuthEnv } from '../../adapters/hono/index.js'
import { fetchAuth, type Auth } from '../../src/http/index.js'
import { openSessions } from './open.js'

type Known = Auth<{ role: string }>

test('what a guard passes on has the type of the claims, and is null only where it lets nobody in', async () => {
  const sessions = await openSessions()
  const hono = honoAuth(sessions)
  new Hono()
    .get('/:id', hono.guard(), (c) => {
      expectTypeOf(c.get('auth')).toEqualTypeOf<Known>()
      expectTypeOf(c.var.auth.claims.role).toEqualTypeOf<string>()
      return c.json(c.req.param('id'))
    })
    .get('/open', hono.guard({ optional: true }), (c) => {
      expectTypeOf(c.get('auth')).toEqualTypeOf<Known | null>()
      return c.json(null)
    })
    .get('/maybe', hono.guard({ optional: Math.random() < 2 }), (c) => {
      expectTypeOf(c.get('auth')).toEqualTypeOf<Known | null>()
      return c.json(null)
    })
  new Hono<AuthEnv<{ role: string }>>().use(hono.guard()).get('/', (c) => {
    expectTypeOf(c.get('auth')).toEqualTypeOf<Known>()
    return c.json(null)
  })

  const web = expressAuth(sessions)
  express()
    .get('/:id', web.guard({ maxStaleness: 0 }), (req, res) => {
      expectTypeOf(res.locals.auth).toEqualTypeOf<Known>()
      expectTypeOf(req.params).toEqualTypeOf<{ id: string }>()
    })
    .get('/open', web.guard({ optional: true }), (_req, res) => {
      expectTypeOf(res.locals.auth).toEqualTypeOf<Known | null>()
    })

  const fast = fastifyAuth(sessions)
  fastify().get('/:id', { onRequest: fast.guard() }, async (request) => {
    expectTypeOf(fast.of(request)).toEqualTypeOf<Known>()
    expectTypeOf(fast.find(request)).toEqualTypeOf<Known | null>()
  })

  const guard = fetchAuth(sessions).guard()
  expectTypeOf(guard).returns.resolves.toEqualTypeOf<Known>()
  expectTypeOf(fetchAuth(sessions).guard({ optional: true })).returns.resolves.toEqualTypeOf<Known | null>()
})
