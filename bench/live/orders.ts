/** What the benchmark tells the server to do. Times are microseconds of the machine's clock. */
export interface Orders {
  /** Starts this many sessions, each of a user of its own; answers their access tokens. */
  issue(count: number): Promise<readonly string[]>
  /** Bytes in use once all that is not is gone: of the heap, and of the process. */
  memory(): Promise<{ readonly heap: number; readonly process: number }>
  /** Logs out the session with this number; answers when that began. */
  revoke(index: number): Promise<number>
  /** Ends the streams and the server; answers how long it took. */
  stop(): Promise<number>
}

export type Order = {
  readonly [Name in keyof Orders]: { readonly name: Name; readonly given: Parameters<Orders[Name]> }
}[keyof Orders]

export function now(): number {
  return Number(process.hrtime.bigint() / 1_000n)
}
