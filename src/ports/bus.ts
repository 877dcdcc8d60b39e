/**
 * What wakes other processes when something was committed. It carries no truth: what happened stands in the events table,
 * and a message that is forged, doubled or lost costs a read, or a wait until the next look. It may name sessions by user id
 * and `sid`; it never holds a token.
 */
export interface Bus {
  /** Opens a link of its own. Rejects when that fails, with the reason. */
  connect(listener: BusListener): Promise<BusLink>
}

export interface BusListener {
  /** Whatever was sent by any process, this one among them. */
  message(text: string): void
  /** The link ended by itself, and says why; also before `connect` has settled. */
  closed(reason: unknown): void
  /** Aborts when nobody waits for `connect` any more: what it has begun is to be ended. */
  readonly signal: AbortSignal
}

export interface BusLink {
  /** Tells every process that listens. At most 7,000 characters, all of them ASCII. */
  send(text: string): Promise<void>
  /** Ends the link; `closed` is not called. */
  close(): Promise<void>
}
