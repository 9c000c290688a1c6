import fc from 'fast-check'
import { expect, test } from 'vitest'
import { RecordFrames } from '../../../../src/formats/kafka/record-frames.ts'
import { containsOffset, normalizeRanges } from '../../../../src/model/offset-range.ts'
import { freshRuns } from '../../../../src/pipeline/decode/fresh-runs.ts'

function framesOf(deltas: readonly number[]): RecordFrames {
  const frames = new RecordFrames()
  frames.reset(new Uint8Array(0), deltas.length)
  frames.count = deltas.length
  frames.offsetDelta.set(deltas)
  return frames
}

test('a batch past everything seen is one run', () => {
  expect(freshRuns(framesOf([0, 1, 2]), 5n, 5n, [[0n, 5n]])).toEqual([{ from: 0, to: 3 }])
})

test('a batch without records is no run', () => {
  expect(freshRuns(framesOf([]), 5n, 0n, [])).toEqual([])
})

test('runs are the fresh records, each run without a hole and as long as it can be', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.integer({ min: 0, max: 30 }), { maxLength: 20 }),
      fc.array(fc.tuple(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 6 })), { maxLength: 4 }),
      fc.integer({ min: 0, max: 25 }),
      (unsorted, ranges, floor) => {
        const deltas = unsorted.toSorted((a, b) => a - b)
        const seen = normalizeRanges(ranges.map(([start, length]) => [BigInt(start), BigInt(start + length)] as const))
        const runs = freshRuns(framesOf(deltas), 4n, BigInt(floor), seen)
        const taken = runs.flatMap(({ from, to }) => deltas.slice(from, to))
        expect(taken).toEqual(deltas.filter((delta) => 4 + delta >= floor && !containsOffset(seen, BigInt(4 + delta))))
        for (const [i, { from, to }] of runs.entries()) {
          expect(deltas[to - 1] - deltas[from]).toBe(to - 1 - from)
          const before = runs[i - 1]
          if (before !== undefined && before.to === from) expect(deltas[from]).toBeGreaterThan(deltas[from - 1] + 1)
        }
      },
    ),
  )
})
