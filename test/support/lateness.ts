import type { Commit } from './simulated-database.js'
import type { History, Outcome } from './simulated-nodes.js'

export const isAccept = ({ answer }: Outcome): boolean => answer === 'store' || answer === 'cache'

/** How long after its session's end this acceptance came, by the rule that P1 has for it; `null` when none had come. */
export function lateness(history: History, outcome: Outcome): number | null {
  const { bound, begun, ended } = outcome
  const end = endOf(history, outcome)
  if (end === undefined || ended < end.at) return null
  // Strict: what counts is whether it began after the commit.
  return bound === 0 ? begun - end.at : ended - end.at
}

/** What ended the session that was asked for. */
export function endOf({ commits }: History, { key }: Outcome): Commit | undefined {
  const login = commits.findIndex(({ type, sid }) => type === 'login' && sid === key.sid)
  return commits.slice(login).find((commit) => isEndOf(commit, key))
}

export function isEndOf({ type, userId, sid, kept }: Commit, key: Outcome['key']): boolean {
  return type === 'end' && userId === key.userId && (sid === null ? kept !== key.sid : sid === key.sid)
}
