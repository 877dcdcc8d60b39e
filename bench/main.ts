import { report } from './report.js'
import { isWorthKeeping, readSettings, type Settings } from './settings.js'
import type { Topic } from './topic.js'
import { growth } from './topics/growth.js'
import { guard } from './topics/guard.js'
import { http } from './topics/http.js'
import { live } from './topics/live.js'
import { lookup } from './topics/lookup.js'
import { notify } from './topics/notify.js'
import { propagation } from './topics/propagation.js'
import { refresh } from './topics/refresh.js'
import { strict } from './topics/strict.js'
import { verify } from './topics/verify.js'

const topics: readonly Topic[] = [lookup, refresh, verify, strict, http, guard, growth, propagation, notify, live]
const names = topics.map(({ name }) => name)

const args = process.argv.slice(2)
const settings = readOrRefuse()
if (settings) await run(settings)

async function run(settings: Settings): Promise<void> {
  for (const topic of topics.filter(({ name }) => settings.topics.includes(name))) {
    const measured = await topic.measure(settings, (line) => console.error(line))
    const options = args.filter((arg) => !names.includes(arg))
    console.log(await report(topic.name, ['npm run bench --', topic.name, ...options].join(' '), settings, measured))
    if (!isWorthKeeping(settings)) console.error('bench/results stays as it is: it holds whole runs only')
  }
}

function readOrRefuse(): Settings | null {
  try {
    return readSettings(args, names)
  } catch (error) {
    console.error((error as Error).message)
    process.exitCode = 2
    return null
  }
}
