/** Missing where the page is not secure, in old browsers, and on servers. */
export const locks: LockManager | undefined = globalThis.navigator?.locks

/** Whether no stream is for this tab: without locks, whoever is seen has one. */
export function isUnseen(): boolean | undefined {
  return !locks && globalThis.document?.hidden
}

/**
 * One tab after the other, where they get there in time; else all the same, since the server's grace is what makes
 * refreshes at once safe. The lock is never stolen: its holder may be at work.
 * @param patience how long another tab is waited for, in milliseconds: one that the browser has frozen keeps its lock
 */
export async function inTurn<Result>(
  name: string,
  work: () => Promise<Result>,
  patience: number = 1_500,
): Promise<Result> {
  let running: Promise<Result> | undefined
  try {
    return await locks!.request(name, { signal: AbortSignal.timeout(patience) }, () => (running = work()))
  } catch {
    return await (running ?? work())
  }
}
