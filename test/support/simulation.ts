import { setImmediate } from 'node:timers/promises'
import fc from 'fast-check'
import type { Clock } from '../../src/ports/clock.js'
import type { Store } from '../../src/ports/store.js'
import { createSessions, type Sessions } from '../../src/sessions.js'
import type { SessionOptions } from '../../src/settings.js'
import { createKeyRing, type KeyRing } from '../../src/tokens/key-ring.js'
import type { FakeClock } from '../conformance/fake-clock.js'
import { codeOf } from '../conformance/harness.js'

export const minute: number = 60_000
export const hour: number = 60 * minute
/** The defaults of the library, which the simulations count with. */
export const grace: number = 30_000
export const tolerance: number = 5_000
/** How long after a rotation its predecessor is answered with what it made, in use or not. */
export const redeliveryWindow: number = grace + tolerance

export type Simulated = Sessions<Record<never, never>, never, string>

const keys: KeyRing = await createKeyRing({ secret: 'a secret of thirty-two bytes or more' })
const atOnce = 20
const refreshToken = { secret: 'another secret of thirty-two bytes or more' }

/** One node of an app. Its timers never fire: the memory store never lets anyone wait. */
export function openNode(
  store: Store,
  clock: Pick<Clock, 'wall'>,
  session: SessionOptions = { lifetime: '3650d', idleLifetime: '90d' },
): Simulated {
  return createSessions({
    store,
    keys,
    refreshToken,
    issuer: 'https://issuer.example',
    audience: ['https://api.example', 'https://admin.example'],
    session,
    clock: { wall: () => clock.wall(), mono: () => clock.wall(), after: () => () => {} },
  })
}

/** The answer of a call, or the code it was refused with. */
export async function answerOf<Answer>(call: Promise<Answer>): Promise<Answer | string> {
  const code = await codeOf(call)
  return code === 'accepted' ? call : code
}

/** With a memory store, all that runs in the background has run after one turn of the event loop. */
export const backgroundWork = (): Promise<void> => setImmediate()

/** Time passes: by so much, or until this much before or after an edge of the newest pair, if that is still to come. */
export type Wait =
  | { readonly act: 'wait'; readonly ms: number }
  | { readonly act: 'wait until'; readonly edge: number; readonly offset: number }

export const edgeWaits: fc.Arbitrary<Wait> = fc.record({
  act: fc.constant('wait until' as const),
  edge: fc.constantFrom(grace, redeliveryWindow),
  offset: fc.constantFrom(-1, 0, 1),
})

export function waitsUpTo(longest: number): fc.Arbitrary<Wait> {
  return fc.record({
    act: fc.constant('wait' as const),
    ms: fc.oneof(
      fc.constantFrom(0, 1, grace - 1, grace, redeliveryWindow, redeliveryWindow + 1),
      fc.integer({ min: 1, max: 2 * redeliveryWindow }),
      fc.integer({ min: minute, max: longest }),
    ),
  })
}

export function passTime(clock: FakeClock, wait: Wait, newestMadeAt: number): void {
  clock.advance(wait.act === 'wait' ? wait.ms : Math.max(0, newestMadeAt + wait.edge + wait.offset - clock.wall()))
}

/** Runs so many histories, some at once, and answers the seed. A failure names it, too, and the history. */
export async function runHistories<History>(
  histories: fc.Arbitrary<History>,
  count: number,
  run: (history: History) => Promise<void>,
): Promise<number> {
  const seed = Number(process.env['ROLLCALL_TEST_SEED'] ?? Math.floor(Math.random() * 2 ** 31))
  const several = fc.array(histories, { minLength: atOnce, maxLength: atOnce, size: 'max' })
  const runOne = (history: History): Promise<void> =>
    run(history).catch((error: unknown) => {
      throw new Error(`${String(error)} in the history ${JSON.stringify(history)}`, { cause: error })
    })
  const property = fc.asyncProperty(several, async (batch) => {
    await Promise.all(batch.map(runOne))
  })
  await fc.assert(property, { seed, numRuns: count / atOnce })
  return seed
}
