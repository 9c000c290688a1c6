import { assert, array, boolean, integer, property, record, tuple } from 'fast-check'
import { describe, expect, test } from 'vitest'
import { normalizeRanges, type OffsetRange, type OffsetRanges } from '../../../../src/model/offset-range.ts'
import { RowRuns } from '../../../../src/pipeline/verify/row-runs.ts'
import { type RowBalance, weighRows } from '../../../../src/pipeline/verify/weigh-rows.ts'

const ageOf = (file: number) => ({ sequence: BigInt(file), snapshot: BigInt(100 + file) })

function runsOf(...runs: readonly (readonly [start: number, end: number, file: number])[]): RowRuns {
  const made = new RowRuns()
  for (const [start, end, file] of runs) made.add(BigInt(start), BigInt(end), file)
  return made
}

const ranges = (...pairs: readonly (readonly [number, number])[]): OffsetRanges => pairs.map(([a, b]) => [BigInt(a), BigInt(b)])

/** The same, offset by offset. */
function weighOneByOne(decided: readonly OffsetRanges[], runs: RowRuns): RowBalance {
  const missing: OffsetRange[] = []
  const duplicates = new Map<bigint | null, OffsetRange[]>()
  let [present, others] = [0n, 0n]
  for (let offset = 0n; offset < 80n; offset++) {
    const files: number[] = []
    runs.forEach((start, end, file) => {
      if (start <= offset && offset < end) files.push(file)
    })
    const expected = decided.filter((set) => set.some(([start, end]) => start <= offset && offset < end)).length
    if (expected === 0) {
      others += BigInt(files.length)
      continue
    }
    present += BigInt(Math.min(files.length, expected))
    if (files.length < expected) missing.push([offset, offset + 1n])
    for (const file of files.sort((a, b) => b - a).slice(0, Math.max(0, files.length - expected))) {
      const { snapshot } = ageOf(file)
      duplicates.set(snapshot, [...(duplicates.get(snapshot) ?? []), [offset, offset + 1n]])
    }
  }
  return {
    missing: normalizeRanges(missing),
    duplicates: new Map([...duplicates].map(([snapshot, own]) => [snapshot, normalizeRanges(own)])),
    present,
    others,
  }
}

describe('rows set against what was decided', () => {
  test('each offset once is nothing to tell', () => {
    const balance = weighRows([ranges([0, 10], [12, 20])], runsOf([0, 4, 0], [12, 20, 1], [4, 10, 2]), ageOf)
    expect(balance).toEqual({ missing: [], duplicates: new Map(), present: 18n, others: 0n })
  })

  test('what is not there is missing, and of what is there twice the younger one is too much', () => {
    const balance = weighRows([ranges([0, 10])], runsOf([0, 4, 0], [2, 6, 1], [8, 12, 2]), ageOf)
    expect(balance).toEqual({ missing: ranges([6, 8]), duplicates: new Map([[101n, ranges([2, 4])]]), present: 8n, others: 2n })
  })

  test('a file that is registered twice has each of its rows twice', () => {
    expect(weighRows([ranges([0, 5])], runsOf([0, 5, 0], [0, 5, 3]), ageOf).duplicates).toEqual(new Map([[103n, ranges([0, 5])]]))
  })

  test('two sources that decided an offset are two rows', () => {
    const balance = weighRows([ranges([0, 5]), ranges([3, 8])], runsOf([0, 5, 0], [3, 7, 1]), ageOf)
    expect(balance).toEqual({ missing: ranges([7, 8]), duplicates: new Map(), present: 9n, others: 0n })
  })

  test('one sweep comes to what counting offset by offset comes to', () => {
    const range = tuple(integer({ min: 0, max: 70 }), integer({ min: 1, max: 9 })).map(([a, n]): OffsetRange => [BigInt(a), BigInt(a + n)])
    const sets = array(array(range, { maxLength: 5 }).map(normalizeRanges), { minLength: 1, maxLength: 2 })
    assert(
      property(sets, array(tuple(range, integer({ min: 0, max: 4 })), { maxLength: 12 }), (decided, rows) => {
        const runs = new RowRuns()
        for (const [[start, end], file] of rows) runs.add(start, end, file)
        expect(weighRows(decided, runs, ageOf)).toEqual(weighOneByOne(decided, runs))
      }),
      { numRuns: 500 },
    )
  })
})

test('offsets in any order, repeated ones too, become runs that hold each as often as it was there', () => {
  const entry = record({ offset: integer({ min: 0, max: 30 }), again: boolean() })
  assert(
    property(array(entry, { maxLength: 40 }), (entries) => {
      const offsets = entries.flatMap(({ offset, again }) => (again ? [offset, offset] : [offset])).map(BigInt)
      const runs = new RowRuns()
      runs.addAll(BigInt64Array.from(offsets), 0)
      const held: bigint[] = []
      runs.forEach((start, end) => {
        for (let offset = start; offset < end; offset++) held.push(offset)
      })
      expect(held.sort((a, b) => Number(a - b))).toEqual(offsets.sort((a, b) => Number(a - b)))
    }),
  )
})

test('the runs of ten thousand files are kept', () => {
  const runs = new RowRuns()
  for (let file = 0; file < 10_000; file++) runs.add(BigInt(file * 100), BigInt(file * 100 + 100), file)
  expect(runs.length).toBe(10_000)
  expect(weighRows([ranges([0, 1_000_000])], runs, ageOf)).toMatchObject({ missing: [], present: 1_000_000n })
})
