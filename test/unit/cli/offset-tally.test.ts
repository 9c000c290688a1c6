import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { isWhole, OffsetTally } from '../../../src/cli/inspect/offset-tally.ts'
import { intersectRanges, normalizeRanges, type OffsetRange, type OffsetRanges, unionRanges } from '../../../src/model/offset-range.ts'

test('the overlaps that a broker produced after a lease hand-over are found', () => {
  const tally = new OffsetTally()
  const segments: OffsetRange[] = [
    [0n, 10n],
    [10n, 17n],
    [15n, 20n],
    [17n, 24n],
    [20n, 25n],
  ]
  expect(segments.map((range) => tally.add(range[0], [range]))).toEqual([[], [], [[15n, 17n]], [[17n, 20n]], [[20n, 24n]]])
  expect(tally.offsets()).toEqual([[0n, 25n]])
})

test('a segment is a duplicate when earlier ones have all of it', () => {
  expect(
    isWhole(
      [
        [1n, 3n],
        [5n, 6n],
      ],
      [
        [1n, 3n],
        [5n, 6n],
      ],
    ),
  ).toBe(true)
  expect(isWhole([[1n, 3n]], [[1n, 2n]])).toBe(false)
  expect(isWhole([], [])).toBe(false)
})

test('the tally is what comparing each segment with all earlier ones gives', () => {
  const segment = fc.array(fc.tuple(fc.integer({ min: 0, max: 30 }), fc.integer({ min: 1, max: 8 })), { maxLength: 4 })
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.integer({ min: 0, max: 6 }), segment), { maxLength: 12 }), (steps) => {
      const tally = new OffsetTally()
      let all: OffsetRanges = []
      let base = 0
      for (const [step, parts] of steps) {
        base += step
        const ranges = normalizeRanges(parts.map(([at, size]) => [BigInt(base + at), BigInt(base + at + size)] as const))
        expect(tally.add(BigInt(base), ranges)).toEqual(intersectRanges(all, ranges))
        all = unionRanges(all, ranges)
      }
      expect(tally.offsets()).toEqual(all)
    }),
  )
})
