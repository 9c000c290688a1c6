import { expect, test } from 'vitest'
import { sealBatch } from '../../../../src/formats/kafka/write.ts'
import { countOffsets } from '../../../../src/model/offset-range.ts'
import { slicesOf } from '../../../../src/pipeline/decode/fresh-runs.ts'
import { decode } from '../../pipeline/decode/decoding.ts'
import { batch, record, segment } from '../segments.ts'
import { rowsOf, world } from '../world.ts'

const orders = { topic: 'orders', partition: 0 } as const
const quiet = { topic: 'quiet', partition: 0 } as const

test('a small batch that inflates to more records than memory has room for stops its partition, and no other', async () => {
  const w = world()
  const recordCount = 10_000_000
  const bomb = sealBatch({
    baseOffset: 0n,
    codec: 'zstd',
    lastOffsetDelta: recordCount - 1,
    baseTimestampMs: 1n,
    maxTimestampMs: 1n,
    recordCount,
    recordBytes: new Uint8Array(20_000_000),
  })
  await w.write(orders, 0n, [bomb])
  await w.write(quiet, 0n, [batch(0n, 2)])
  await w.clock.advanceBy(60_000)
  expect(await w.runOnce()).toBe(false)
  expect(await w.rows('quiet')).toEqual(rowsOf(quiet, 0, 2))
  const [stop] = w.linesOf('error', 'partition stopped')
  expect(stop.fields.reason).toMatch(/^the batch says 10000000 records, and at most \d+ are decoded at once/)
})

/** How many offsets each slice decided of one batch, whose offsets are `step` apart, and what all of them came to. */
function decideBatch(count: number, step: number) {
  const records = Array.from({ length: count }, (_, i) => record('', { offsetDelta: i * step }))
  const { spans, part } = decode([segment(0n, [batch(0n, records)])])
  return { sizes: spans.map(({ ranges }) => countOffsets(ranges)), ranges: part.ranges }
}

test('a batch of many records is handed on in slices, between which the columns may be taken away', () => {
  const { sizes, ranges } = decideBatch(20_000, 1)
  expect(sizes).toEqual([8192n, 8192n, 3616n])
  expect(ranges).toEqual([[0n, 20_000n]])
})

test('a batch full of holes is decided in as many slices, not hole by hole', () => {
  const { sizes, ranges } = decideBatch(10_000, 2)
  expect(sizes).toEqual([8192n, 1808n])
  expect(ranges).toHaveLength(10_000)
})

test('a batch with more holes than progress can carry is refused whole', () => {
  const { sizes, ranges } = decideBatch(10_001, 2)
  expect(sizes).toEqual([])
  expect(ranges).toEqual([])
})

test('slices hold each record once, in order, whatever the runs are', () => {
  const runs = [
    { from: 1, to: 3 },
    { from: 4, to: 12 },
    { from: 15, to: 16 },
  ]
  expect([...slicesOf(runs, 4)]).toEqual([
    [
      { from: 1, to: 3 },
      { from: 4, to: 6 },
    ],
    [{ from: 6, to: 10 }],
    [
      { from: 10, to: 12 },
      { from: 15, to: 16 },
    ],
  ])
  expect([...slicesOf([], 4)]).toEqual([])
})
