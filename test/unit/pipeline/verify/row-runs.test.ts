import fc from 'fast-check'
import { expect, test } from 'vitest'
import { RowRuns } from '../../../../src/pipeline/verify/row-runs.ts'
import { orderBy } from '../../../../src/pipeline/verify/order-by.ts'

type Run = readonly [start: bigint, end: bigint, file: number]

function runsOf(runs: readonly Run[]): RowRuns {
  const made = new RowRuns()
  for (const run of runs) made.add(...run)
  return made
}

const rowsOf = (runs: RowRuns) => {
  const rows: string[] = []
  runs.forEach((start, end, file) => {
    for (let offset = start; offset < end; offset++) rows.push(`${offset} in ${file}`)
  })
  return rows.sort()
}

const run = fc.tuple(fc.bigInt(0n, 300n), fc.bigInt(1n, 40n), fc.nat(3)).map(([start, length, file]): Run => [start, start + length, file])

test('a part of runs has each row of its offsets, whatever order the runs came in', () => {
  const around = fc.tuple(fc.bigInt(-5n, 350n), fc.bigInt(0n, 60n))
  fc.assert(
    fc.property(fc.array(run, { maxLength: 400 }), fc.array(around, { minLength: 1, maxLength: 5 }), (all, windows) => {
      const runs = runsOf(all)
      for (const [start, length] of windows) {
        const inside = ([from, to, file]: Run): Run => [from > start ? from : start, to < start + length ? to : start + length, file]
        const wanted = all.map(inside).filter(([from, to]) => from < to)
        expect(rowsOf(runs.within([start, start + length]))).toEqual(rowsOf(runsOf(wanted)))
      }
    }),
    { numRuns: 200 },
  )
})

test('runs that come after a part was asked for are in the next one', () => {
  const runs = runsOf([
    [10n, 20n, 0],
    [0n, 5n, 1],
  ])
  expect(runs.within([0n, 5n]).length).toBe(1)
  runs.add(2n, 3n, 2)
  expect(rowsOf(runs.within([2n, 4n]))).toEqual(['2 in 1', '2 in 2', '3 in 1'])
})

test('many parts of many runs cost no more than putting them in order once', () => {
  const runs = new RowRuns()
  const count = 200_000
  for (let i = 0; i < count; i++) runs.add(BigInt((i * 7919) % count) * 2n, BigInt((i * 7919) % count) * 2n + 1n, 0)
  let found = 0
  // Each of them over all runs would be four hundred million looks.
  for (let part = 0; part < 2000; part++) found += runs.within([BigInt(part) * 200n, BigInt(part + 1) * 200n]).length
  expect(found).toBe(count)
}, 5_000)

test('indices are put in the order of their keys', () => {
  fc.assert(
    fc.property(fc.array(fc.bigInt(-9n, 9n)), fc.nat(5), (keys, spare) => {
      const padded = BigInt64Array.from([...keys, ...Array.from({ length: spare }, () => -99n)])
      const wanted = keys.map((key, i) => ({ key, i })).sort((a, b) => Number(a.key - b.key))
      expect([...orderBy(padded, keys.length)]).toEqual(wanted.map(({ i }) => i))
    }),
  )
})
