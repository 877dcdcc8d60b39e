import { chooseEngines } from './choose-engines.js'
import type { Engine, EngineName, StartOptions } from './engine.js'
import { messageOf } from './run-command.js'
import { startEngine } from './start-engine.js'

export interface RunningEngines {
  readonly engines: Engine[]
  readonly leftOut: EngineName[]
  readonly stop: () => Promise<void>
}

/** Starts the engines in parallel, PgBouncer in front of the Postgres among them. All are stopped when one can't start. */
export async function startEngines(names: readonly EngineName[], options: StartOptions = {}): Promise<RunningEngines> {
  const { chosen, leftOut } = chooseEngines(names)
  const postgres = chosen.includes('postgres') ? startEngine('postgres', options) : null
  const starts = chosen.map((name) => {
    if (postgres && name === 'postgres') return postgres
    if (postgres && name === 'pgbouncer') return startBefore(postgres, options)
    return startEngine(name, options)
  })
  const results = await Promise.allSettled(starts)
  const engines = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
  const failures = results.flatMap((result) => (result.status === 'rejected' ? [messageOf(result.reason)] : []))
  const stop = (): Promise<void> => stopAll(engines)
  if (failures.length === 0) return { engines, leftOut, stop }
  await stop()
  throw new Error([...new Set(failures)].join('\n'))
}

async function startBefore(postgres: Promise<Engine>, options: StartOptions): Promise<Engine> {
  const { url } = await postgres
  return startEngine('pgbouncer', { ...options, postgresUrl: url })
}

async function stopAll(engines: readonly Engine[]): Promise<void> {
  const results = await Promise.allSettled(engines.map((engine) => engine.stop()))
  const failures = results.flatMap((result) => (result.status === 'rejected' ? [messageOf(result.reason)] : []))
  if (failures.length > 0) throw new Error(failures.join('\n'))
}
