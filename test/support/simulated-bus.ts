import type { Bus, BusLink, BusListener } from '../../src/ports/bus.js'
import type { World } from './simulated-world.js'

/** What a bus does to its messages. Times are milliseconds, chances go from 0 to 1. */
export interface Weather {
  /** From saying to hearing, at most; a link is made within the same time. */
  readonly delay: number
  /** Until the sender knows that a message was taken, at most. */
  readonly acknowledgement: number
  /** That one receiver does not get a message. */
  readonly drop: number
  /** That one receiver gets it twice. */
  readonly double: number
}

/** Whose link it is. The dead hear nothing, and say nothing. */
export interface Owner {
  readonly isAlive: boolean
}

export interface SimulatedBus {
  /** The bus as this process sees it. */
  busOf(owner: Owner): Bus
  /** Ends the links of this process, which is told. */
  cut(owner: Owner): void
  /** For so long nothing comes through them, and nobody is told. */
  deafen(owner: Owner, ms: number): void
  readonly counts: BusCounts
}

/** What became of messages, counted by receivers. */
export interface BusCounts {
  heard: number
  dropped: number
  doubled: number
  /** Heard behind one that was said later. */
  reordered: number
}

interface Line {
  readonly owner: Owner
  readonly listener: BusListener
  deafUntil: number
  latest: number
}

/** @param chance from 0 to 1; with the same numbers it does the same */
export function createSimulatedBus(
  world: World,
  { delay, acknowledgement, drop, double }: Weather,
  chance: () => number,
): SimulatedBus {
  const lines = new Set<Line>()
  const counts: BusCounts = { heard: 0, dropped: 0, doubled: 0, reordered: 0 }
  let said = 0
  const upTo = (most: number): number => Math.floor(chance() * (most + 1))
  const linesOf = (owner: Owner): Line[] => [...lines].filter((line) => line.owner === owner)

  function hear(line: Line, number: number, text: string): void {
    if (!line.owner.isAlive) lines.delete(line)
    if (!lines.has(line)) return
    if (world.now() < line.deafUntil) {
      counts.dropped += 1
      return
    }
    counts.heard += 1
    if (number < line.latest) counts.reordered += 1
    line.latest = Math.max(line.latest, number)
    line.listener.message(text)
  }

  function post(line: Line, number: number, text: string): void {
    if (chance() < drop) {
      counts.dropped += 1
      return
    }
    world.schedule(upTo(delay), () => hear(line, number, text))
    if (chance() >= double) return
    counts.doubled += 1
    world.schedule(upTo(delay), () => hear(line, number, text))
  }

  function openLine(owner: Owner, listener: BusListener): BusLink {
    const line = { owner, listener, deafUntil: 0, latest: 0 }
    lines.add(line)
    return {
      async send(text) {
        if (!lines.has(line)) throw new Error('this link is closed')
        said += 1
        const deafFor = Math.max(0, line.deafUntil - world.now())
        if (deafFor === 0) for (const each of lines) post(each, said, text)
        await world.sleep(deafFor + upTo(acknowledgement))
      },
      close: async () => void lines.delete(line),
    }
  }

  return {
    busOf: (owner) => ({
      async connect(listener) {
        await world.sleep(upTo(delay))
        return openLine(owner, listener)
      },
    }),
    cut(owner) {
      for (const line of linesOf(owner)) {
        lines.delete(line)
        line.listener.closed(new Error('ECONNRESET'))
      }
    },
    deafen(owner, ms) {
      for (const line of linesOf(owner)) line.deafUntil = world.now() + ms
    },
    counts,
  }
}
