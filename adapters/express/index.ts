export { expressAuth, type ExpressAuth, type GuardHandler } from './express-auth.js'
