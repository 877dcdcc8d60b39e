import type { Clock } from '../ports/clock.js'

const prefix = 'beat '
const deaf = 'the bus does not hear what it says: the way to its server is cut'

export interface PulseWork {
  /** That no other process has. */
  readonly name: string
  send(text: string): void
  /** Milliseconds that it took. */
  heard(took: number): void
  failed(reason: Error): void
}

/** Says something to itself again and again, and fails where it does not hear it. */
export interface Pulse {
  /** Its first beat. It fails two heartbeats after it was made if there is none. */
  begin(): void
  /** Whether the text was a beat, its own or that of another. */
  take(text: string): boolean
  stop(): void
}

/** @param heartbeat milliseconds; a silence is noticed within three of them */
export function createPulse(clock: Clock, heartbeat: number, work: PulseWork): Pulse {
  let beats = 0
  let awaited: string | null = null
  let beatAt = 0
  let cancel = expect()

  function expect(): () => void {
    return clock.after(2 * heartbeat, () => work.failed(new Error(deaf)))
  }

  function beat(): void {
    beats += 1
    awaited = `${prefix}${work.name} ${beats}`
    beatAt = clock.mono()
    work.send(awaited)
  }

  return {
    begin: beat,

    take(text) {
      if (text === awaited) {
        awaited = null
        cancel()
        cancel = clock.after(heartbeat, () => {
          cancel = expect()
          beat()
        })
        work.heard(clock.mono() - beatAt)
      }
      return text.startsWith(prefix)
    },

    stop: () => cancel(),
  }
}
