import type { Clock } from '../ports/clock.js'

/** When things are due, by the second, with one timer for all and none while there is nothing. */
export interface Wheel<Item> {
  /** @param ms from now; what is due already comes with the next second. An item is due once: its last call counts. */
  set(item: Item, ms: number): void
  delete(item: Item): void
  readonly size: number
  /** Ends the timer. */
  stop(): void
}

const second = 1_000

/** Counts on the clock that nobody sets; times that the wall clock says are looked at again when they are due. */
export function createWheel<Item>(clock: Clock, due: (items: readonly Item[]) => void): Wheel<Item> {
  const slotOf = new Map<Item, number>()
  const slots = new Map<number, Set<Item>>()
  let done = 0
  let cancel: (() => void) | null = null

  function take(item: Item): void {
    const at = slotOf.get(item)
    if (at === undefined) return
    slotOf.delete(item)
    const slot = slots.get(at)!
    slot.delete(item)
    if (slot.size === 0) slots.delete(at)
  }

  function tick(): void {
    cancel = null
    const now = Math.floor(clock.mono() / second)
    const items: Item[] = []
    // A process that slept has many seconds to make up for, but seldom as many slots.
    const passed = now - done > slots.size ? [...slots.keys()].filter((at) => at <= now) : range(done + 1, now)
    for (const at of passed) {
      for (const item of slots.get(at) ?? []) {
        slotOf.delete(item)
        items.push(item)
      }
      slots.delete(at)
    }
    done = now
    if (items.length > 0) due(items)
    turn()
  }

  function turn(): void {
    if (cancel !== null || slotOf.size === 0) return
    cancel = clock.after(second, tick)
  }

  return {
    set(item, ms) {
      take(item)
      const at = Math.max(Math.ceil((clock.mono() + ms) / second), done + 1)
      slotOf.set(item, at)
      slots.set(at, (slots.get(at) ?? new Set()).add(item))
      turn()
    },
    delete(item) {
      take(item)
      if (slotOf.size > 0) return
      cancel?.()
      cancel = null
    },
    get size() {
      return slotOf.size
    },
    stop() {
      cancel?.()
      cancel = null
      slotOf.clear()
      slots.clear()
    },
  }
}

function range(from: number, to: number): number[] {
  return Array.from({ length: Math.max(to - from + 1, 0) }, (_, at) => from + at)
}
