import { expect } from 'vitest'
import type { EventMap } from '../../src/notifier.js'
import type { Refreshed } from '../../src/refresh.js'
import type { Sessions } from '../../src/sessions.js'
import type { RefreshTokenOptions, SessionsOptions } from '../../src/settings.js'
import { codeOf, type Stage } from './harness.js'

export const second: number = 1_000
export const minute: number = 60 * second
export const hour: number = 60 * minute
export const secret = 'a refresh secret of thirty-two bytes or more'
export const grace: number = 30 * second
export const tolerance: number = 5 * second

export type Refreshing<Transaction> = Sessions<Record<never, never>, Transaction, string>
type Options<Transaction> = Partial<SessionsOptions<Record<never, never>, Transaction>>

/** The verbs with refresh tokens: grace of 30 and a clock tolerance of 5 seconds. */
export function refreshing<Transaction>(
  { another }: Stage<Transaction>,
  {
    refreshToken,
    ...options
  }: Omit<Options<Transaction>, 'refreshToken'> & {
    refreshToken?: Partial<RefreshTokenOptions>
  } = {},
): Refreshing<Transaction> {
  return another({
    ...options,
    refreshToken: { secret, ...refreshToken },
  }) as Refreshing<Transaction>
}

/** A refresh that is expected to do this. */
export async function refreshAs<Transaction>(
  sessions: Refreshing<Transaction>,
  token: string,
  outcome: Refreshed['outcome'],
): Promise<Refreshed> {
  const refreshed = await sessions.refresh(token)
  expect(refreshed.outcome).toBe(outcome)
  expect(await codeOf(sessions.verify(refreshed.accessToken))).toBe('accepted')
  return refreshed
}

/** The verify that first shows the pair in use, and the background write that notes it. */
export async function use<Transaction>(
  { open: { store } }: Stage<Transaction>,
  sessions: Refreshing<Transaction>,
  accessToken: string,
): Promise<void> {
  const { userId, sid } = await sessions.verify(accessToken)
  for (;;) {
    const [row] = await store.lookup([{ userId, sid }], {})
    if (row?.rotation?.usedAt !== null) return
  }
}

/** Keeps what the listeners hear. */
export function record<Transaction, Name extends keyof EventMap>(
  sessions: Refreshing<Transaction>,
  name: Name,
): EventMap[Name][] {
  const events: EventMap[Name][] = []
  sessions.on(name, (event) => void events.push(event))
  return events
}
