import { describe, expect, test } from 'vitest'
import { decidedRanges, noProgress, type Progress, withDecided } from '../../../src/model/progress.ts'
import { containsOffset, countOffsets, type OffsetRange } from '../../../src/model/offset-range.ts'
import { maxRangesWithoutRow, withoutRowWith } from '../../../src/model/without-row.ts'

const at = { topic: 'orders', partition: 0 }
const part = (ranges: OffsetRange[], without: OffsetRange[], partition = 0) => ({
  at: { ...at, partition },
  ranges,
  without,
})
const of = (skipped: Progress, partition = 0) => decidedRanges(skipped, 's', { ...at, partition })

describe('what has no row, of what was skipped', () => {
  test('is what results say, of each topic-partition', () => {
    const skipped = withoutRowWith(noProgress, 's', [
      part([[0n, 100n]], [[5n, 6n]]),
      part([[100n, 200n]], [[150n, 160n]]),
      part([[0n, 9n]], [[0n, 1n]], 1),
    ])
    expect([of(skipped), of(skipped, 1)]).toEqual([
      [
        [5n, 6n],
        [150n, 160n],
      ],
      [[0n, 1n]],
    ])
  })

  test('is the same where nothing is skipped', () => {
    const known = withDecided(noProgress, 's', at, [[5n, 6n]])
    expect(withoutRowWith(known, 's', [part([[10n, 20n]], [], 1)])).toBe(known)
  })

  test('is not any more what became a row after all', () => {
    const known = withDecided(noProgress, 's', at, [[5n, 20n]])
    expect(of(withoutRowWith(known, 's', [part([[5n, 10n]], [[6n, 7n]])]))).toEqual([
      [6n, 7n],
      [10n, 20n],
    ])
    expect(
      withoutRowWith(known, 's', [part([[0n, 20n]], [])])
        .get('s')
        ?.get('orders')
        ?.has(0),
    ).toBe(false)
  })

  test('is in few ranges, however many there were: the nearest are joined, and none is lost', () => {
    // Groups of four near ones, far from each other.
    const skips = Array.from({ length: maxRangesWithoutRow }, (_, i): OffsetRange => {
      const start = BigInt(Math.floor(i / 4) * 1000 + (i % 4) * 2)
      return [start, start + 1n]
    })
    const far: OffsetRange = [10_000_000n, 10_000_001n]
    const all = (more: OffsetRange[]) => of(withoutRowWith(noProgress, 's', [part([[0n, 20_000_000n]], [...skips, ...more])]))
    expect(all([])).toEqual(skips)
    const joined = all([far, [20_000_000n - 1n, 20_000_000n]])
    expect(joined.length).toBeLessThanOrEqual(maxRangesWithoutRow / 2 + 1)
    expect(skips.every(([start]) => containsOffset(joined, start))).toBe(true)
    expect(joined).toContainEqual(far)
    // As many spaces as had to be joined, each of one offset.
    expect(countOffsets(joined)).toBe(BigInt(maxRangesWithoutRow + 2 + (maxRangesWithoutRow + 1 - maxRangesWithoutRow / 2)))
  })

  test('is in many ranges still where all are equally far from each other', () => {
    const skips = Array.from({ length: maxRangesWithoutRow + 3 }, (_, i): OffsetRange => [BigInt(i * 1000), BigInt(i * 1000 + 1)])
    const joined = of(withoutRowWith(noProgress, 's', [part([[0n, 20_000_000n]], skips)]))
    expect(joined).toHaveLength(maxRangesWithoutRow / 2 + 1)
    expect(skips.every(([start]) => containsOffset(joined, start))).toBe(true)
  })
})
