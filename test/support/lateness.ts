import type { Commit, History, Outcome } from './simulated-nodes.js'

export const isAccept = ({ answer }: Outcome): boolean => answer === 'store' || answer === 'cache'

/** How long after its session's end this acceptance came, by the rule that P1 has for it; `null` when none had come. */
export function lateness({ commits }: History, { key, bound, begun, ended }: Outcome): number | null {
  const login = commits.findIndex(({ type, sid }) => type === 'login' && sid === key.sid)
  const end = commits.slice(login).find((commit) => isEndOf(commit, key))
  if (end === undefined || ended < end.at) return null
  // Strict: what counts is whether it began after the commit.
  return bound === 0 ? begun - end.at : ended - end.at
}

export function isEndOf({ type, userId, sid, kept }: Commit, key: Outcome['key']): boolean {
  return type === 'end' && userId === key.userId && (sid === null ? kept !== key.sid : sid === key.sid)
}
