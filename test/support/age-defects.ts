import type { Defect } from './load-with.js'

/** Both simulations find them, with a bus and without. */
export const ageDefects: readonly Defect[] = [
  [
    'the age of a kept read counts from its end',
    'lookup/lookup.ts',
    'cache?.keep(read as Found)',
    'cache?.keep({ ...read, startedAt: momentOf(clock) } as Found)',
  ],
  [
    'the age of a kept read slides',
    'lookup/lookup.ts',
    'return found && isFresh(found.startedAt, maxStaleness, now) ? found : undefined',
    'if (!found || !isFresh(found.startedAt, maxStaleness, now)) return undefined\n      const slid = { ...found, startedAt: now }\n      cache!.keep(slid)\n      return slid',
  ],
]
