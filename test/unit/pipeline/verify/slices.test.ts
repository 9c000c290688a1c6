import { describe, expect, test } from 'vitest'
import { Books } from '../../../../src/pipeline/verify/books.ts'
import { PackedRanges } from '../../../../src/pipeline/verify/packed-ranges.ts'
import { slicesOf } from '../../../../src/pipeline/verify/slices.ts'

const at = { topic: 'orders', partition: 0 }
const last = 0x7fffffffffffffffn

/** Rows of every second offset. */
function scattered(rows: number, claims: readonly bigint[]): Books {
  const books = new Books()
  const { runs } = books.of(at)
  for (let i = 0; i < rows; i++) runs.add(BigInt(2 * i), BigInt(2 * i + 1), 0)
  for (const base of claims) books.of(at).claim(base, 'etag', [base, base + 1n])
  return books
}

const ranges = (books: Books, window: readonly [bigint, bigint] = [0n, last]) =>
  slicesOf([{ at, range: window }], books, 10).map(({ range, isFirst }) => [...range, isFirst])

describe('slices of a topic-partition', () => {
  test('are one where there is little in it', () => {
    expect(ranges(scattered(10, []))).toEqual([[0n, last, true]])
  })

  test('have so many runs each', () => {
    expect(ranges(scattered(25, []))).toEqual([
      [0n, 22n, true],
      [22n, 42n, false],
      [42n, last, false],
    ])
  })

  test('begin where segments do, as far as files tell', () => {
    expect(ranges(scattered(40, [0n, 30n, 39n, 70n]))).toEqual([
      [0n, 39n, true],
      [39n, last, false],
    ])
  })

  test('stay in their window', () => {
    expect(ranges(scattered(40, []), [15n, 50n])).toEqual([
      [15n, 36n, true],
      [36n, 50n, false],
    ])
  })
})

test('packed ranges are the set of the offsets, in part or whole', () => {
  const packed = new PackedRanges(BigInt64Array.of(7n, 3n, 4n, 4n, 9n, 8n, 20n))
  expect(packed.within([0n, last])).toEqual([
    [3n, 5n],
    [7n, 10n],
    [20n, 21n],
  ])
  expect(packed.within([4n, 9n])).toEqual([
    [4n, 5n],
    [7n, 9n],
  ])
  expect([packed.within([10n, 20n]), new PackedRanges(new BigInt64Array(0)).within([0n, 5n])]).toEqual([[], []])
})
