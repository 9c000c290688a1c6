import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  containsOffset,
  countOffsets,
  endOf,
  formatRanges,
  holesOf,
  intersectRanges,
  normalizeRanges,
  type OffsetRange,
  type OffsetRanges,
  subtractRanges,
  unionRanges,
} from '../../../src/model/offset-range.ts'

const range = fc
  .tuple(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 8 }))
  .map(([start, length]): OffsetRange => [BigInt(start), BigInt(start + length)])
const raw = fc.array(range, { maxLength: 8 })
/** Sets, start marks (empty ranges) among them. */
const ranges = raw.map(normalizeRanges)

/** The model: the plain set of the offsets. */
function setOf(of: readonly OffsetRange[]): Set<bigint> {
  const offsets = new Set<bigint>()
  for (const [start, end] of of) for (let offset = start; offset < end; offset++) offsets.add(offset)
  return offsets
}

function expectNormal(of: OffsetRanges): void {
  for (const [i, [start, end]] of of.entries()) {
    expect(end >= start).toBe(true)
    if (i > 0) expect(start > of[i - 1][1]).toBe(true)
  }
}

const twoSets = (check: (a: OffsetRanges, b: OffsetRanges, inA: Set<bigint>, inB: Set<bigint>) => void) =>
  fc.assert(
    fc.property(ranges, ranges, (a, b) => check(a, b, setOf(a), setOf(b))),
    { numRuns: 500 },
  )

describe('as the plain set of offsets does', () => {
  test('normalizing keeps every offset and no other', () => {
    fc.assert(
      fc.property(raw, (given) => {
        const normal = normalizeRanges(given)
        expectNormal(normal)
        expect(setOf(normal)).toEqual(setOf(given))
        expect(normalizeRanges(normal)).toEqual(normal)
      }),
    )
  })

  test('union', () => {
    twoSets((a, b, inA, inB) => {
      expectNormal(unionRanges(a, b))
      expect(setOf(unionRanges(a, b))).toEqual(inA.union(inB))
    })
  })

  test('intersection', () => {
    twoSets((a, b, inA, inB) => {
      expectNormal(intersectRanges(a, b))
      expect(setOf(intersectRanges(a, b))).toEqual(inA.intersection(inB))
    })
  })

  test('subtraction', () => {
    twoSets((a, b, inA, inB) => {
      expectNormal(subtractRanges(a, b))
      expect(setOf(subtractRanges(a, b))).toEqual(inA.difference(inB))
    })
  })

  test('holes, count, end and membership', () => {
    fc.assert(
      fc.property(ranges, (a) => {
        const inA = setOf(a)
        expect(countOffsets(a)).toBe(BigInt(inA.size))
        expect(setOf(intersectRanges(a, holesOf(a)))).toEqual(new Set())
        if (a.length > 0) expect(unionRanges(a, holesOf(a))).toEqual([[a[0][0], endOf(a)]])
        for (let offset = 0n; offset < 50n; offset++) expect(containsOffset(a, offset)).toBe(inA.has(offset))
      }),
    )
  })
})

test('ranges that touch are one', () => {
  expect(
    normalizeRanges([
      [5n, 9n],
      [0n, 5n],
    ]),
  ).toEqual([[0n, 9n]])
})

test('an empty range marks a place until a range touches it', () => {
  expect(normalizeRanges([[7n, 7n]])).toEqual([[7n, 7n]])
  expect(unionRanges([[7n, 7n]], [[7n, 9n]])).toEqual([[7n, 9n]])
  expect(unionRanges([[7n, 7n]], [[9n, 12n]])).toEqual([
    [7n, 7n],
    [9n, 12n],
  ])
  expect(
    holesOf([
      [7n, 7n],
      [9n, 12n],
    ]),
  ).toEqual([[7n, 9n]])
})

test('a range that ends before it starts is refused', () => {
  expect(() => normalizeRanges([[5n, 3n]])).toThrow(new RangeError('offset range [5, 3) ends before it starts'))
})

test('offsets beyond 2^53 keep every digit', () => {
  const end = 0x7fff_ffff_ffff_ffffn
  expect(subtractRanges([[0n, end]], [[end - 2n, end - 1n]])).toEqual([
    [0n, end - 2n],
    [end - 1n, end],
  ])
})

test('ranges are shown as intervals', () => {
  expect(
    formatRanges([
      [0n, 12n],
      [15n, 20n],
    ]),
  ).toBe('[0, 12), [15, 20)')
  expect(formatRanges([])).toBe('none')
})
