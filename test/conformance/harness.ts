import { afterAll, beforeAll } from 'vitest'
import type { CreateOptions } from '../../src/create.js'
import { isRollcallError } from '../../src/errors.js'
import type { Store } from '../../src/ports/store.js'
import { createSessions, type Sessions } from '../../src/sessions.js'
import type { SessionsOptions } from '../../src/settings.js'
import type { TokenPair } from '../../src/token-pair.js'
import { createKeyRing, type KeyRing } from '../../src/tokens/key-ring.js'
import { createFakeClock, type FakeClock } from './fake-clock.js'

/** How the suite gets at a store. */
export interface StoreHarness<Transaction = never> {
  /** Opens a store over rows of its own, empty. */
  open(): Promise<OpenStore<Transaction>>
}

export interface OpenStore<Transaction> {
  readonly store: Store<Transaction>
  /** A second store over the same rows, as another process has it; leave out when rows can't be shared. */
  readonly elsewhere?: Store<Transaction>
  /** Begins a transaction; leave out when the store has none. */
  begin?(): Promise<OpenTransaction<Transaction>>
  close(): Promise<void>
}

export interface OpenTransaction<Transaction> {
  readonly transaction: Transaction
  commit(): Promise<void>
  rollback(): Promise<void>
}

export const issuer = 'https://issuer.example'
export const audience: readonly string[] = ['https://api.example', 'https://admin.example']

/** What every case works with. */
export interface Stage<Transaction> {
  readonly open: OpenStore<Transaction>
  readonly clock: FakeClock
  readonly keys: KeyRing
  readonly sessions: Sessions<Record<never, never>, Transaction>
  /** The verbs over the same rows with other settings, or as another process has them. */
  another(
    options?: Partial<SessionsOptions<Record<never, never>, Transaction>>,
  ): Sessions<Record<never, never>, Transaction>
  /** A user id that no other case has. */
  user(name?: string): string
  login(userId: string, options?: Partial<CreateOptions<Transaction>>): Promise<TokenPair>
}

/** Opens one store for the cases of a group. */
export function stageFor<Transaction>(harness: StoreHarness<Transaction>): () => Stage<Transaction> {
  let stage: Stage<Transaction>
  beforeAll(async () => {
    const open = await harness.open()
    const clock = createFakeClock()
    const keys = await createKeyRing({ secret: 'a secret of thirty-two bytes or more' })
    const another: Stage<Transaction>['another'] = (options) =>
      createSessions<Record<never, never>, Transaction>({
        store: open.store,
        keys,
        issuer,
        audience,
        clock,
        ...options,
      })
    const sessions = another()
    let users = 0
    stage = {
      open,
      clock,
      keys,
      sessions,
      another,
      user: (name = 'user') => `${name}-${(users += 1)}`,
      login: (userId, options) => sessions.create({ userId, ...options }),
    }
  })
  afterAll(async () => {
    await stage.sessions.close()
    await stage.open.close()
  })
  return () => stage
}

/** The code a call was refused with; `'accepted'` when it was not; other errors are thrown on. */
export async function codeOf(call: Promise<unknown>): Promise<string> {
  try {
    await call
    return 'accepted'
  } catch (error) {
    if (isRollcallError(error)) return error.code
    throw error
  }
}
