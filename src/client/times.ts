import type { ClientDuration } from './types.js'

const units: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** @throws TypeError for what is no duration */
export function toMs(duration: ClientDuration): number {
  const ms = typeof duration === 'number' ? duration : parseInt(duration) * units[duration.at(-1)!]!
  if (!(ms >= 0)) throw new TypeError('no duration')
  return ms
}

/** Waits, until `signal` aborts at most. */
export function sleep(ms: number, signal?: AbortSignal): Promise<unknown> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms)
    signal?.addEventListener('abort', resolve)
  })
}

/** Between half and one and a half of it, so that not all come at the same moment. */
export function jitter(ms: number): number {
  return ms * (0.5 + Math.random())
}

/** One run of it at a time, for all who call meanwhile. */
export function share<Input extends unknown[], Result>(
  work: (...input: Input) => Promise<Result>,
): (...input: Input) => Promise<Result> {
  let running: Promise<Result> | undefined
  return (...input) => (running ??= work(...input).finally(() => (running = undefined)))
}
