import { measureMemory, memoryCaption, memoryTable, type MemoryCase } from '../growth/memory.js'
import { measurePrune, pruneCaption, pruneTable, type PruneCase } from '../growth/prune.js'
import { closeAll, grow, measureSizes, sizesCaption, sizesTable, type SizesCase } from '../growth/sizes.js'
import { measureVerbs, verbsCaption, verbsTable, type VerbsCase } from '../growth/verbs.js'
import type { Topic } from '../topic.js'

/** The table for all but the first part, or the nearest below. */
const usual = 1_000_000

/** What becomes slower, and larger, with more sessions. */
export const growth: Topic = {
  name: 'growth',

  async measure(settings, log) {
    const versions: string[] = []
    const sizes: SizesCase[] = []
    const memory: MemoryCase[] = []
    const verbs: VerbsCase[] = []
    const prune: PruneCase[] = []
    for (const engine of settings.engines) {
      const grown = await grow(engine, settings.sizes, log)
      try {
        const chosen = grown.findLast(({ roll }) => roll.sessions <= usual) ?? grown[0]!
        const { version } = chosen.database
        versions.push(version)
        log(`growth: ${version}, lookups`)
        sizes.push(await measureSizes(grown, settings))
        log(`growth: ${version}, memory`)
        memory.push(await measureMemory(chosen))
        // Before the verbs, which leave dead rows of their own.
        log(`growth: ${version}, prune`)
        prune.push(await measurePrune(chosen, settings))
        log(`growth: ${version}, verbs`)
        verbs.push(await measureVerbs(chosen.database, settings))
      } finally {
        await closeAll(grown)
      }
    }
    const parts = [
      sizesTable(sizes),
      memoryCaption,
      memoryTable(memory),
      verbsCaption,
      verbsTable(verbs),
      pruneCaption,
      pruneTable(prune),
    ]
    return { caption: sizesCaption, table: parts.join('\n\n'), versions, cases: [{ sizes, memory, verbs, prune }] }
  },
}
