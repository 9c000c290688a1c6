import { defineConfig } from 'vitest/config'

// The quick tier: no network beyond loopback, no server that is not part of the test itself.
export default defineConfig({
  test: {
    include: ['test/unit/**/*.test.ts', 'test/simulation/**/*.test.ts'],
    testTimeout: 20_000,
  },
})
