import { defineConfig } from 'vitest/config'

// The interop tier: real servers and engines, which the global setup installs and starts.
export default defineConfig({
  test: {
    include: ['test/integration/**/*.test.ts'],
    exclude: ['test/integration/nightly/**'],
    globalSetup: ['test/integration/global-setup.ts'],
    testTimeout: 300_000,
    hookTimeout: 300_000,
    teardownTimeout: 60_000,
    pool: 'forks',
    maxWorkers: 2,
  },
})
