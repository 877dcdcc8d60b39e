/** Runs one load at a time; who asks while one is under way gets one more after it, since that one may be too old. */
export function createLoader(load: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | null = null
  let following: Promise<void> | null = null

  function start(): Promise<void> {
    running = load().finally(() => {
      running = null
    })
    return running
  }

  return () => {
    if (running === null) return start()
    following ??= running.then(() => {
      following = null
      return start()
    })
    return following
  }
}
