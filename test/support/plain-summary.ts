import type { Reporter, TestCase, TestModule } from 'vitest/node'

/** Ends a run in one plain line, for machines that read it: `N passed, N failed`. */
export default class PlainSummary implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    const results = modules.flatMap((module) => [...module.children.allTests()].map((test) => test.result().state))
    const count = (state: string): number => results.filter((result) => result === state).length
    // A file that can't be loaded and a hook that fails leave their tests unrun, which must not read as success.
    const parts = modules.flatMap((module) => [module, ...module.children.allSuites()])
    const broken = parts.filter((part) => part.errors().length > 0).length + errors.length
    const skipped = count('skipped')
    for (const module of modules) {
      for (const test of module.children.allTests('skipped')) console.log(`skipped: ${test.fullName}${noteOf(test)}`)
    }
    console.log(
      `${count('passed')} passed, ${count('failed') + broken} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`,
    )
  }
}

/** Why a test skipped itself; one that was left out from the start says so in its title. */
function noteOf(test: TestCase): string {
  const result = test.result()
  return result.state === 'skipped' && result.note !== undefined ? `: ${result.note}` : ''
}
