import type { Rotation } from './ports/store.js'
import { isWithinGrace, type StandingPolicy } from './standing.js'

/**
 * What a spent refresh token was: `successor_used`, the one before the current pair, which was in use already;
 * `superseded`, an older one or one that a late re-delivery replaced; `forked`, one of two with the same number, which
 * takes a database that forgot a rotation, or a leaked secret; `other_device`, a re-delivery asked for from elsewhere,
 * where the settings forbid it.
 */
export type ReuseKind = 'successor_used' | 'superseded' | 'forked' | 'other_device'

/** Who gets the successor of a spent refresh token again. */
export type RedeliverTo = 'anyone' | 'same device'

/** What a genuine refresh token is, against its session's row. */
export interface ShownToken {
  readonly generation: number
  /** Whether it is the one the row has the hash of. */
  readonly isCurrent: boolean
  /** Whether the row's current token derives from it. */
  readonly isParent: boolean
  /** Whether it comes from another ip and with another user agent than the last rotation. */
  readonly isFromElsewhere: boolean
}

export interface RotationPolicy extends StandingPolicy {
  readonly redeliverTo: RedeliverTo
}

export type RotationAnswer =
  | { readonly answer: 'unchanged' | 'rotate' | 'redeliver' | 'redeliver late' | 'behind' }
  | { readonly answer: 'reuse'; readonly kind: ReuseKind }

/** The table of `docs/refresh.md`. Pure; whether the session stands at all was decided before. */
export function decideRotation(
  shown: ShownToken,
  rotation: Rotation,
  policy: RotationPolicy,
  arrivedAt: number,
): RotationAnswer {
  // A failover or a restore lost what we handed out: nobody's fault, and nobody is logged out for it.
  if (shown.generation > rotation.generation) return { answer: 'behind' }
  if (shown.isCurrent) return { answer: arrivedAt < rotation.rotatedAt + policy.grace ? 'unchanged' : 'rotate' }
  if (!shown.isParent) {
    return { answer: 'reuse', kind: shown.generation === rotation.generation ? 'forked' : 'superseded' }
  }
  const isInTime = isWithinGrace(rotation.rotatedAt, policy, arrivedAt)
  if (!isInTime && rotation.usedAt !== null) return { answer: 'reuse', kind: 'successor_used' }
  if (shown.isFromElsewhere && policy.redeliverTo === 'same device') return { answer: 'reuse', kind: 'other_device' }
  return { answer: isInTime ? 'redeliver' : 'redeliver late' }
}
