import type { Quartiles } from './statistics.js'

export function markdownTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const [first, ...others] = header
  const rule = [first!.replaceAll(/./g, '-'), ...others.map((title) => `${'-'.repeat(title.length - 1)}:`)]
  return [header, rule, ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

/** To three figures: the next ones differ from run to run. */
export function formatRate(rate: number): string {
  return Number(rate.toPrecision(3)).toLocaleString('en-US')
}

/** Quartiles on both sides of 1 show neither faster nor slower. */
export function formatRatio({ lower, median, upper }: Quartiles): string {
  const text = `${median.toFixed(2)} (${lower.toFixed(2)} to ${upper.toFixed(2)})`
  return lower <= 1 && upper >= 1 ? `${text}, no difference shown` : text
}
