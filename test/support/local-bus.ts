import type { Bus, BusListener } from '../../src/ports/bus.js'

/** Within one process, at once. */
export function createLocalBus(): Bus {
  const listeners = new Set<BusListener>()
  return {
    async connect(listener) {
      listeners.add(listener)
      return {
        send: async (text) => listeners.forEach(({ message }) => message(text)),
        close: async () => void listeners.delete(listener),
      }
    },
  }
}
