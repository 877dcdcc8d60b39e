import { formatRate, formatRatio } from './markdown.js'
import { quartiles, ratios } from './statistics.js'

/** Rows of a table: each variant's median rate, and how many times as many the first one does. */
export function rowsAgainstFirst(rates: Readonly<Record<string, readonly number[]>>): string[][] {
  const [[, ours] = [], ...others] = Object.entries(rates)
  const rows = Object.entries(rates).map(([name, figures]) => [name, formatRate(quartiles(figures).median)])
  return rows.map((row, index) => [...row, index === 0 ? '' : formatRatio(ratios(ours!, others[index - 1]![1]))])
}
