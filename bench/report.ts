import { mkdir, writeFile } from 'node:fs/promises'
import { arch, cpus, platform, totalmem } from 'node:os'
import { isWorthKeeping, type Settings } from './settings.js'
import type { Measured } from './topic.js'

const folder = new URL('results/', import.meta.url)

/** The topic's Markdown, which docs/performance.md includes; a whole run also leaves it and its rounds in `results/`. */
export async function report(
  topic: string,
  command: string,
  settings: Settings,
  { caption, table, versions, perRound, cases }: Measured,
): Promise<string> {
  const { rounds, duration } = settings
  const machine = describeMachine()
  const round = perRound ?? `${duration} ms per variant`
  const markdown = [
    caption,
    table,
    `\`${command}\`: ${rounds} interleaved rounds of ${round}, after one to warm up; ${machine}; ${versions.join(', ')}.`,
  ].join('\n\n')
  if (isWorthKeeping(settings)) {
    const json = JSON.stringify({ topic, command, machine, versions, rounds, duration, cases }, roundRate, 2)
    await mkdir(folder, { recursive: true })
    await writeFile(new URL(`${topic}.md`, folder), `${markdown}\n`)
    await writeFile(new URL(`${topic}.json`, folder), `${json}\n`)
  }
  return markdown
}

function describeMachine(): string {
  const cores = cpus()
  const memory = Math.round(totalmem() / 2 ** 30)
  return `${cores[0]?.model.trim()}, ${cores.length} cores, ${memory} GiB of memory, ${platform()} ${arch()}, Node.js ${process.versions.node}`
}

function roundRate(_: string, value: unknown): unknown {
  return typeof value === 'number' ? Math.round(value) : value
}
