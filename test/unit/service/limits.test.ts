import { expect, test } from 'vitest'
import { rewritesAtOnce } from '../../../src/service/tasks/limits.ts'

test('as many rewrites are carried out at once as memory is for, one at least and no more than the document’s parallelism', () => {
  const mebibyte = 1024 * 1024
  const at = (mebibytes: number, parallelism = 4) => rewritesAtOnce({ parallelism, memoryLimitBytes: mebibytes * mebibyte })
  expect([128, 512, 671, 672, 928, 1024, 1183, 1184, 8192].map((one) => at(one))).toEqual([1, 1, 1, 2, 3, 3, 3, 4, 4])
  expect(at(8192, 1)).toBe(1)
})
