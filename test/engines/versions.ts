/** Whether `version` is at least `oldest`, by its numbers: '10.11.6-MariaDB' is at least '10.11'. */
export function isAtLeast(version: string, oldest: string): boolean {
  return compareVersions(version, oldest) >= 0
}

export function compareVersions(left: string, right: string): number {
  const [leftNumbers, rightNumbers] = [numbersOf(left), numbersOf(right)]
  for (let index = 0; index < Math.max(leftNumbers.length, rightNumbers.length); index++) {
    const difference = (leftNumbers[index] ?? 0) - (rightNumbers[index] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}

function numbersOf(version: string): number[] {
  return (/^\d+(\.\d+)*/.exec(version)?.[0] ?? '0').split('.').map(Number)
}
