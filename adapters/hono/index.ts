export { honoAuth, type AuthEnv, type HonoAuth, type HonoAuthOptions } from './hono-auth.js'
