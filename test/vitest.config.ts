import { defineConfig } from 'vitest/config'

// The quick tier: no network beyond loopback, no server that is not part of the test itself.
export default defineConfig({
  test: {
    include: ['test/unit/**/*.test.ts', 'test/simulation/**/*.test.ts'],
    // For machines that are busy otherwise: nothing waits for it that is well.
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
})
