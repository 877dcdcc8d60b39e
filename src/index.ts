export { codes, isRollcallError, RollcallError, type ClientAction, type Code, type CodeEntry } from './errors.js'
export type { ChangeOptions } from './change.js'
export type { ClaimsCallback, ClaimsContext, ClaimsShape, JsonValue } from './claims.js'
export type { CreateOptions } from './create.js'
export type { Device, DeviceInput, DeviceKind } from './device.js'
export type { Duration } from './durations.js'
export type { AccountEvent, EventsOptions } from './events.js'
export type { UserId } from './ids.js'
export type { ListOptions, SessionListEntry } from './list.js'
export type {
  BackgroundError,
  EventMap,
  Listener,
  RefreshedEvent,
  RefreshOutcome,
  ReusedEvent,
  SessionsEvent,
} from './notifier.js'
export type { BusStatus } from './outbox/bus-link.js'
export type { OutboxStatus } from './outbox/outbox.js'
export type { Bus, BusLink, BusListener } from './ports/bus.js'
export type { Clock } from './ports/clock.js'
export type { Random } from './ports/random.js'
export { StoreDataError, type PruneCounts, type Store } from './ports/store.js'
export type { PruneOptions } from './prune.js'
export type { Refreshed, RefreshOptions } from './refresh.js'
export type { RenameOptions } from './rename.js'
export type { RevokedMany } from './revoke.js'
export type { RedeliverTo, ReuseKind } from './rotation.js'
export type { Session } from './session.js'
export { createSessions, type Sessions } from './sessions.js'
export type {
  AccessTokenOptions,
  CacheSizeOptions,
  FreshnessOptions,
  OutboxOptions,
  RefreshTokenOptions,
  SessionOptions,
  SessionsOptions,
  WatchOptions,
} from './settings.js'
export type { SessionsStatus } from './status.js'
export type { SuspendOptions } from './suspend.js'
export type { TokenPair } from './token-pair.js'
export type { TokenVersionOptions } from './token-version.js'
export type { Algorithm } from './tokens/algorithms.js'
export { createKeyRing, type JwkSet, type KeyRing, type KeySource } from './tokens/key-ring.js'
export { generateKeys } from './tokens/generate-keys.js'
export type { RefreshSecret } from './tokens/refresh-token.js'
export type { Verified, VerifyOptions } from './verify.js'
export type { WatchedSession } from './watch/watch.js'
export type { ClosedEvent, DevicesEvent, EndedEvent, StandingEvent, WatchEvent, WatchListener } from './watch/events.js'
