import Bowser from 'bowser'

export type DeviceKind = 'desktop' | 'mobile' | 'tablet' | 'tv' | 'bot' | 'unknown'

/** What a login says of its device. Everything is optional, cleaned and cut: a bad device never fails a login. */
export interface DeviceInput {
  /** Shown to the user; 100 characters are kept. Default: browser and system read from `userAgent`. */
  readonly name?: string | null | undefined
  readonly kind?: DeviceKind | null | undefined
  /** The `User-Agent` header; 512 characters are kept. */
  readonly userAgent?: string | null | undefined
  /** 64 characters are kept. */
  readonly ip?: string | null | undefined
}

export interface Device {
  readonly name: string | null
  readonly kind: DeviceKind
  readonly userAgent: string | null
  readonly ip: string | null
}

const kinds: ReadonlySet<string> = new Set(['desktop', 'mobile', 'tablet', 'tv', 'bot', 'unknown'])

export function cleanDevice(input: DeviceInput | null | undefined): Device {
  const given: Record<string, unknown> = typeof input === 'object' && input !== null ? { ...input } : {}
  const userAgent = cleanText(given['userAgent'], 512)
  const seen = describe(userAgent)
  return {
    name: cleanDeviceName(given['name']) ?? seen.name,
    kind: typeof given['kind'] === 'string' && kinds.has(given['kind']) ? (given['kind'] as DeviceKind) : seen.kind,
    userAgent,
    ip: cleanText(given['ip'], 64),
  }
}

export function cleanDeviceName(name: unknown): string | null {
  return cleanText(name, 100)
}

/** Cut by code point, so that no surrogate pair is split; control characters (NUL breaks Postgres) become spaces. */
function cleanText(value: unknown, maximum: number): string | null {
  if (typeof value !== 'string') return null
  // Bounded before the costly steps: a header of a megabyte must not cost a megabyte of work.
  const start = value
    .slice(0, maximum * 4)
    .toWellFormed()
    .replaceAll(/\p{Cc}+/gu, ' ')
    .trim()
  const text = Array.from(start).slice(0, maximum).join('').trimEnd()
  return text === '' ? null : text
}

function describe(userAgent: string | null): { name: string | null; kind: DeviceKind } {
  if (userAgent === null) return { name: null, kind: 'unknown' }
  const { browser, os, platform } = Bowser.parse(userAgent)
  const name = [browser.name, os.name].filter(Boolean).join(' on ')
  return {
    name: cleanDeviceName(name),
    kind: platform.type !== undefined && kinds.has(platform.type) ? (platform.type as DeviceKind) : 'unknown',
  }
}
