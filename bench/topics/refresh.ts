import { onEachEngine } from '../databases.js'
import { countCase, countsTable, type CountedCase } from '../refresh-counts.js'
import { measureRates, ratesTable, type RatedCase } from '../refresh-rates.js'
import type { Topic } from '../topic.js'

/** Many callers with one refresh token, counted; then rotations per second beside the same writes through the driver. */
export const refresh: Topic = {
  name: 'refresh',

  async measure(settings, log) {
    const counted: CountedCase[] = []
    const rated: RatedCase[] = []
    const versions = await onEachEngine(settings.engines, log, async (database) => {
      for (const processes of [1, 4]) {
        for (const callers of [2, 20, 200]) {
          log(`refresh: ${database.version}, processes: ${processes}, callers with one token: ${callers}`)
          counted.push(await countCase(database, { processes, callers, rounds: settings.countedRounds }))
        }
      }
      for (const callers of [1, 64]) {
        log(`refresh: ${database.version}, callers with a session each: ${callers}`)
        rated.push(await measureRates(database, callers, settings))
      }
    })
    const table = [countsTable(counted), ratesCaption, ratesTable(rated)].join('\n\n')
    return { caption: countsCaption(settings.countedRounds), table, versions, cases: [...counted, ...rated] }
  },
}

const countsCaption = (rounds: number): string =>
  `Callers that show one and the same refresh token at once, spread over processes with a pool each, in ${rounds} rounds ` +
  'whose pair is older than grace: how often the session rotated, in how many rounds all callers got the same refresh ' +
  'token and the same `jti`, how many callers were answered and how many of their access tokens verified afterwards, ' +
  'how often a rotation found that another had come first, errors of any kind, and rows that were not there before. ' +
  'The command fails when a count is off.'

const ratesCaption =
  'Rotations per second (median) by callers at the same time, each with a session of its own, and how many times as many ' +
  "as the others (median and quartiles of the rounds). The raw driver runs the same two prepared statements, the read by key and the one `update` with the hash in its condition, and makes no tokens. `unchanged` is rollcall's answer " +
  'within grace, which writes nothing. Pools of 10 connections (SQLite: 1).'
