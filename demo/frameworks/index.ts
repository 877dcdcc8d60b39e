import type { CreateApp } from '../app-parts.js'
import { createExpressApp } from './express.js'
import { createFastifyApp } from './fastify.js'
import { createHonoApp } from './hono.js'

export type FrameworkName = 'hono' | 'express' | 'fastify'

/** What the demo runs on. */
export const frameworks: Readonly<Record<FrameworkName, CreateApp>> = {
  hono: createHonoApp,
  express: createExpressApp,
  fastify: createFastifyApp,
}

export const frameworkChoices: string = `--framework ${Object.keys(frameworks).join(' | ')}`
