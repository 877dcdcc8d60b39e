import { client } from './client.js'

const units = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
  ['second', 1_000],
] as const

const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto' })
const full = new Intl.DateTimeFormat('en', { dateStyle: 'full', timeStyle: 'medium' })
const short = new Intl.DateTimeFormat('en', { dateStyle: 'medium', timeStyle: 'short' })
const clock = new Intl.DateTimeFormat('en', { timeStyle: 'medium' })

/** The server's time, by what the client last measured. */
export function serverNow(): number {
  return Date.now() + client.skew
}

/** Shows how long ago this was; `keepTimes` goes on with it. */
export function showTime(element: HTMLTimeElement, at: Date): void {
  element.dateTime = at.toISOString()
  element.title = full.format(at)
  element.dataset['relative'] = ''
  update(element)
}

/** Keeps what `showTime` showed up to date. */
export function keepTimes(): void {
  setInterval(() => {
    for (const element of document.querySelectorAll<HTMLTimeElement>('time[data-relative]')) update(element)
  }, 10_000)
}

function update(element: HTMLTimeElement): void {
  const text = describeAge(serverNow() - Date.parse(element.dateTime))
  if (element.textContent !== text) element.textContent = text
}

function describeAge(age: number): string {
  // The server notes a use once a minute at most.
  if (age < 60_000) return 'just now'
  const [unit, length] = units.find(([, length]) => age >= length)!
  return relative.format(-Math.floor(age / length), unit)
}

/** A span in words, such as `90 seconds` or `7 days`. */
export function describeSpan(milliseconds: number): string {
  const [unit, length] = units.find(([, length]) => milliseconds >= 2 * length) ?? units[3]
  return new Intl.NumberFormat('en', { style: 'unit', unit, unitDisplay: 'long' }).format(
    Math.round(milliseconds / length),
  )
}

/** What is left, short: `6 d 23 h`, `5 h 12 min`, `4:09`. */
export function describeLeft(milliseconds: number): string {
  const seconds = Math.max(0, Math.ceil(milliseconds / 1_000))
  const [days, hours, minutes] = [Math.floor(seconds / 86_400), Math.floor(seconds / 3_600), Math.floor(seconds / 60)]
  if (days > 0) return `${days} d ${hours % 24} h`
  if (hours > 0) return `${hours} h ${minutes % 60} min`
  return `${minutes}:${String(seconds % 60).padStart(2, '0')}`
}

export function describeDate(at: Date): string {
  return short.format(at)
}

export function describeClock(at: Date): string {
  return clock.format(at)
}
