import { expect, test } from 'vitest'
import { frameSegment } from '../../../src/formats/kfs/segment.ts'
import { RecordFrames } from '../../../src/formats/kafka/record-frames.ts'
import { decodeRecords } from '../../../src/formats/kafka/records.ts'
import { orderSegments } from '../../bench/generate.ts'

const topic = { records: 1_050, maxSegmentBytes: 100_000, recordsPerBatch: 100 }

/** Keys and values of a whole topic, and the offsets of its batches. */
function read(settings: typeof topic & { seed?: number }) {
  const frames = new RecordFrames()
  const values: unknown[] = []
  const bases: bigint[] = []
  for (const { baseOffset, segment } of orderSegments(settings)) {
    const ref = { key: 'k', baseOffset, size: segment.length, etag: 'e', lastModifiedMs: 0, settled: true }
    const frame = frameSegment(segment, ref)
    expect(frame.fault).toBeNull()
    for (const batch of frame.batches) {
      expect(decodeRecords(segment, batch, { maxBatchBytes: 1 << 20 }, frames)).toBeNull()
      bases.push(batch.baseOffset)
      for (let i = 0; i < frames.count; i++) {
        const start = frames.valueStart[i]
        values.push(JSON.parse(Buffer.from(frames.bytes.subarray(start, start + frames.valueLength[i])).toString()))
      }
    }
  }
  return { values, bases }
}

test('the segments are sound, and every value is a JSON object', () => {
  const { values, bases } = read(topic)
  expect(values).toHaveLength(1_050)
  expect(bases).toEqual(Array.from({ length: 11 }, (_, i) => BigInt(i * 100)))
  expect(values[0]).toMatchObject({
    order_id: expect.any(String) as string,
    customer_id: expect.any(Number) as number,
    tags: expect.any(Array) as unknown[],
  })
  expect(values.some((value) => JSON.stringify(value).includes('✓'))).toBe(true)
})

test('equal seeds give equal bytes, and other seeds others', () => {
  expect([...orderSegments(topic)]).toEqual([...orderSegments(topic)])
  expect(read({ ...topic, seed: 2 }).values).not.toEqual(read(topic).values)
})
