import { defineConfig, mergeConfig } from 'vitest/config'
import integration from './vitest.integration.config.ts'

// What takes too long for every change: Spark beside the interop tier's servers.
export default mergeConfig(
  { ...integration, test: { ...integration.test, include: [], exclude: [] } },
  defineConfig({ test: { include: ['test/integration/nightly/**/*.test.ts'], testTimeout: 600_000, hookTimeout: 600_000 } }),
)
