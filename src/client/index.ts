export { createSessionClient } from './client.js'
export type { SessionClientError } from './codes.js'
export type {
  ClientDevice,
  ClientDuration,
  ClientStorage,
  CurrentSession,
  DevicePage,
  SessionClient,
  SessionClientEvents,
  SessionClientOptions,
  SessionEnd,
  SessionRefresh,
} from './types.js'
