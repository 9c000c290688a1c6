import { expect, test } from 'vitest'
import type { OffsetRange } from '../../../../src/model/offset-range.ts'
import { decidedRanges, noProgress, progressOf } from '../../../../src/model/progress.ts'
import { acceptRows } from '../../../../src/pipeline/maintain/absent-rows.ts'

const at = { topic: 'orders', partition: 0 }
const decided = progressOf([{ source: 's', at, ranges: [[0n, 1_000_000n]] }])

test('rows of the files that went are accepted, as far as they were decided, beside what was accepted before', () => {
  const accepted = progressOf([{ source: 's', at, ranges: [[0n, 5n]] }])
  const absent = new Map([
    ['a', [{ at, ranges: [[5n, 8n], [10n, 12n]] as const }]], // prettier-ignore
    ['b', [{ at, ranges: [[8n, 10n], [999_999n, 1_000_001n]] as const }]], // prettier-ignore
    ['c', [{ at, ranges: [[20n, 30n]] as const }]],
  ])
  expect(decidedRanges(acceptRows(accepted, decided, absent, ['a', 'b']), 's', at)).toEqual([
    [0n, 12n],
    [999_999n, 1_000_000n],
  ])
  expect(acceptRows(noProgress, noProgress, absent, ['a'])).toEqual(noProgress)
})

test('of very many ranges the smallest holes are closed', () => {
  // A transaction's end after every two records, and a hundred larger holes.
  const ranges = Array.from({ length: 3000 }, (_, i): OffsetRange => {
    const start = BigInt(i * 3 + Math.floor(i / 30) * 10)
    return [start, start + 2n]
  })
  const kept = decidedRanges(acceptRows(noProgress, decided, new Map([['a', [{ at, ranges }]]]), ['a']), 's', at)
  expect(kept).toHaveLength(1000)
  expect(ranges.every(([start, end]) => kept.some(([from, to]) => from <= start && end <= to))).toBe(true)
  const larger = kept.slice(1).filter(([start], i) => start - kept[i][1] > 1n)
  expect(larger).toHaveLength(99)
})
