// In this order: many browsers name the ones they descend from as well.
const browsers: readonly (readonly [RegExp, string])[] = [
  [/\bEdg(?:e|A|iOS)?\/(\d+)/, 'Edge'],
  [/\bOPR\/(\d+)/, 'Opera'],
  [/\bSamsungBrowser\/(\d+)/, 'Samsung Internet'],
  [/\b(?:Firefox|FxiOS)\/(\d+)/, 'Firefox'],
  [/\b(?:Headless)?(?:Chrome|CriOS)\/(\d+)/, 'Chrome'],
  [/\bVersion\/(\d+)[\d.]* .*Safari\//, 'Safari'],
  // Programs say their own name.
  [/\bcompatible; ([\w.-]+)\/\d/, ''],
  [/^(?!Mozilla)([\w.-]+)(?:\/\d|$)/, ''],
]

const systems: readonly (readonly [RegExp, string])[] = [
  [/\biPad\b/, 'iPadOS'],
  [/\b(?:iPhone|iPod)\b/, 'iOS'],
  [/\b(?:Tizen|SMART-TV)\b/i, 'Tizen'],
  [/\bWeb0S\b/, 'webOS'],
  [/\bAndroid\b/, 'Android'],
  [/\bWindows\b/, 'Windows'],
  [/\bCrOS\b/, 'ChromeOS'],
  [/\bMac OS X\b/, 'macOS'],
  [/\bLinux\b/, 'Linux'],
]

/** Browser and system, as a user would say them: `Firefox 140 on Linux`. */
export function describeUserAgent(userAgent: string | null): string {
  if (userAgent === null) return 'Unknown browser'
  const system = systems.find(([pattern]) => pattern.test(userAgent))?.[1]
  return [describeBrowser(userAgent), system].filter(Boolean).join(' on ')
}

function describeBrowser(userAgent: string): string {
  for (const [pattern, name] of browsers) {
    const version = pattern.exec(userAgent)?.[1]
    if (version !== undefined) return name === '' ? version : `${name} ${version}`
  }
  return 'Unknown browser'
}
