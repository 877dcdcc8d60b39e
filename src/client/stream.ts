import { jitter, sleep } from './times.js'

/** An event of the stream: its name and its data, which is JSON. */
export type LiveEvent = readonly [name: string, data: string]

/**
 * Is told what becomes of the session until `signal` ends it, over any number of connections. Where no stream gets
 * through, it asks instead.
 */
export async function stream(
  open: (signal: AbortSignal) => Promise<Response>,
  hear: (event?: LiveEvent | '') => void,
  ask: () => Promise<unknown>,
  signal: AbortSignal,
): Promise<void> {
  /** All in milliseconds. The server sends something every 20 seconds. */
  const silence = 50_000
  /** What gathers answers before it hands them on hands no stream on. */
  const firstByte = 10_000
  /** Between connections, more and more. */
  const firstWait = 2_000
  const longestWait = 30_000
  for (let failures = 0; !signal.aborted; failures += 1) {
    if (failures > 1) await ask()
    if (signal.aborted) break
    const connection = new AbortController()
    const stop = (): void => connection.abort()
    let timer = setTimeout(stop, firstByte)
    // oxlint-disable-next-line unicorn/prefer-add-event-listener -- it replaces that of the connection before
    signal.onabort = stop
    try {
      const response = await open(connection.signal)
      const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
      for (let text = ''; /event-stream/.test(response.headers.get('content-type')!);) {
        const { value, done } = await reader.read()
        if (done) break
        clearTimeout(timer)
        timer = setTimeout(stop, silence)
        // What was missed meanwhile nobody knows.
        if (failures) hear(['devices', '{}'])
        failures = 0
        const blocks = (text + value).split('\n\n')
        text = blocks.pop()!
        // Comments are beats, too.
        for (const block of blocks) {
          const [, event, data] = /^event: (.*)\ndata: (.*)/m.exec(block) ?? []
          hear(event && [event, data!])
        }
      }
    } catch {
      // However it ended, it is opened again.
    }
    clearTimeout(timer)
    stop()
    if (!signal.aborted) await sleep(jitter(Math.min(firstWait * 2 ** failures, longestWait)), signal)
  }
}
