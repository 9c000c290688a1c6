import { describe, expect, test } from 'vitest'
import { RecordFrames } from '../../../../src/formats/kafka/record-frames.ts'
import { decodeRecords } from '../../../../src/formats/kafka/records.ts'
import { parseIndex } from '../../../../src/formats/kfs/index.ts'
import { frameSegment } from '../../../../src/formats/kfs/segment.ts'
import { parseSegmentFileName, segmentKey } from '../../../../src/formats/kfs/segment-key.ts'
import { writeSegment } from '../../../../src/formats/kfs/write.ts'
import { goldenBytes, goldenExpected, type GoldenObject, goldenObjects, plainRecords } from './golden.ts'

const limits = { maxBatchBytes: 16 * 1024 * 1024 }
const partitions = Map.groupBy(goldenObjects, (object) => `${object.topic}/${object.partition}`)

test('the golden data has all its topic-partitions', () => {
  expect(partitions.size).toBe(12)
  expect(goldenObjects).toHaveLength(57)
})

describe.each([...partitions])('%s', (_name, objects) => {
  test('decodes to exactly what a consumer read, the first record of an offset counting', () => {
    const frames = new RecordFrames()
    const seen = new Set<number>()
    const decoded = objects
      .toSorted((a, b) => a.base_offset - b.base_offset)
      .flatMap((object) => {
        const bytes = goldenBytes(object.key)
        const frame = frameSegment(bytes, { baseOffset: BigInt(object.base_offset) })
        expect(frame.fault).toBeNull()
        return frame.batches.flatMap((batch) => {
          expect(decodeRecords(bytes, batch, limits, frames)).toBeNull()
          const isLogAppendTime = batch.timestampType === 'LogAppendTime'
          return plainRecords(batch, frames).flatMap((record) => {
            if (seen.has(record.offset)) return []
            seen.add(record.offset)
            return [{ ...record, isLogAppendTime }]
          })
        })
      })
    expect(decoded).toEqual(goldenExpected(objects[0].topic, objects[0].partition))
  })

  test.each(objects)('$key is framed as the manifest says', (object) => {
    const frame = frameSegment(goldenBytes(object.key), { baseOffset: BigInt(object.base_offset) })
    expect(frame.header).toEqual({
      version: 1,
      flags: 0,
      baseOffset: BigInt(object.base_offset),
      messageCount: object.record_count,
      createdMs: BigInt(object.created_ms),
      reserved: 0,
    })
    expect(frame.footer?.lastOffset).toBe(BigInt(object.last_offset))
    expect(frame.batches.map(manifestFields)).toEqual(object.batches)
  })

  test.each(objects)('$index_key holds the entries that the manifest says, and the keys are those of the layout', (object) => {
    expect(parseIndex(goldenBytes(object.index_key))).toEqual({
      entries: object.index_entries.map(([offset, position]) => ({ offset: BigInt(offset), position })),
      interval: object.index_interval,
      fault: null,
    })
    const at = { topic: object.topic, partition: object.partition }
    expect(segmentKey('prod/', at, BigInt(object.base_offset), 'kfs')).toBe(object.key)
    expect(segmentKey('prod/', at, BigInt(object.base_offset), 'index')).toBe(object.index_key)
    expect(parseSegmentFileName(object.key.split('/').at(-1)!)).toEqual({ baseOffset: BigInt(object.base_offset), extension: 'kfs' })
  })

  test.each(objects.filter(countsAllItsBatches))('$key and its index come out the same when we write them', (object) => {
    const bytes = goldenBytes(object.key)
    const baseOffset = BigInt(object.base_offset)
    const batches = frameSegment(bytes, { baseOffset }).batches.map((batch) =>
      bytes.subarray(batch.position, batch.position + batch.length),
    )
    const written = writeSegment({ baseOffset, batches, createdMs: object.created_ms })
    expect(Buffer.compare(written.segment, bytes)).toBe(0)
    expect(Buffer.compare(written.index, goldenBytes(object.index_key))).toBe(0)
  })
})

/** A broker counts only the first batch of a produce request. */
function countsAllItsBatches(object: GoldenObject): boolean {
  return object.batches.length === 1
}

function manifestFields(batch: ReturnType<typeof frameSegment>['batches'][number]): Record<string, number | string | boolean> {
  return {
    base_offset: Number(batch.baseOffset),
    last_offset_delta: batch.lastOffsetDelta,
    records: batch.recordCount,
    attributes: batch.attributes,
    codec: batch.codec,
    ...(batch.timestampType === 'LogAppendTime' ? { log_append_time: true } : {}),
    ...(batch.isTransactional ? { transactional: true } : {}),
    ...(batch.isControl ? { control: true } : {}),
    producer_id: Number(batch.producerId),
    producer_epoch: batch.producerEpoch,
    base_sequence: batch.baseSequence,
    partition_leader_epoch: batch.partitionLeaderEpoch,
    magic: batch.magic,
    crc_ok: true,
    bytes: batch.length,
    max_timestamp: Number(batch.maxTimestampMs),
    first_timestamp: Number(batch.baseTimestampMs),
  }
}
