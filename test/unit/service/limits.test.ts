import { expect, test } from 'vitest'
import { limitsOf, rewritesAtOnce } from '../../../src/service/tasks/limits.ts'

const mebibyte = 1024 * 1024

test('as many rewrites are carried out at once as memory is for, one at least and no more than the document’s parallelism', () => {
  const at = (mebibytes: number, parallelism = 4) => rewritesAtOnce({ parallelism, memoryLimitBytes: mebibytes * mebibyte })
  expect([128, 512, 671, 672, 928, 1024, 1183, 1184, 8192].map((one) => at(one))).toEqual([1, 1, 1, 2, 3, 3, 3, 4, 4])
  expect(at(8192, 1)).toBe(1)
})

test('the rewrites of a command share the memory of the document: what they hold together is within it, however many there are', () => {
  for (const mebibytes of [416, 512, 1024, 4096, 65_536]) {
    for (const parallelism of [1, 2, 4, 8, 64, 256]) {
      const processing = {
        parallelism,
        memoryLimitBytes: mebibytes * mebibyte,
        targetFileSizeBytes: 512 * mebibyte,
        commitIntervalSeconds: 60,
      }
      const { rewriteBytes, rowGroupBytes } = limitsOf(processing)
      expect(rewritesAtOnce(processing) * (rewriteBytes + rowGroupBytes), JSON.stringify(processing)).toBeLessThanOrEqual(
        processing.memoryLimitBytes / 2,
      )
    }
  }
})
