import { toMs } from './times.js'
import type { ClientDuration, SessionClientEvents } from './types.js'

type Name = keyof SessionClientEvents
type Listener = (value: never) => void

/** One call of `on`. */
interface Registration {
  readonly name: Name
  /** Of `expiring`: how long before the end, in milliseconds, and the end that it was told of. */
  readonly before: number
  told: number
  /** In a turn of its own: what a listener throws must show, and stand in no other's way. */
  tell(value: unknown): void
}

export interface Emitter {
  on(name: Name, options: unknown, listener?: Listener): () => void
  emit<Key extends Name>(name: Key, value: SessionClientEvents[Key]): void
  /** The listeners that were not told of this end yet. */
  warnings(end: number): readonly Registration[]
}

export function createEmitter(): Emitter {
  const registrations = new Set<Registration>()
  return {
    on(name, options, listener = options as Listener) {
      const before = name === 'expiring' ? toMs((options as { before: ClientDuration }).before) : 0
      const registration: Registration = {
        name,
        before,
        told: 0,
        tell: (value) => queueMicrotask(() => listener(value as never)),
      }
      registrations.add(registration)
      return () => registrations.delete(registration)
    },
    emit(name, value) {
      for (const registration of registrations) if (registration.name === name) registration.tell(value)
    },
    warnings: (end) => [...registrations].filter(({ name, told }) => name === 'expiring' && told !== end),
  }
}
