import { defineConfig, type ViteUserConfig } from 'vitest/config'

const config: ViteUserConfig = defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/engines/global-setup.ts'],
    // Databases, not the processor, set the pace of these tests, and the machines are shared.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
    reporters: ['default', './test/support/plain-summary.ts'],
  },
})

export default config
